import hashlib
from types import SimpleNamespace
from typing import Any, cast

import pytest
from jupyter_server.auth.identity import IdentityProvider, PasswordIdentityProvider, User
from jupyter_server.base.handlers import JupyterHandler

from jupyter_runt.handlers.identity import actor_of

pytestmark = [pytest.mark.asyncio, pytest.mark.rule("AU2")]

TOKEN = "secret"
BY_TOKEN = f"user:token-{hashlib.sha256(TOKEN.encode()).hexdigest()[:8]}"


class Named(IdentityProvider):
    """Knows who people are."""

    def get_user(self, handler: JupyterHandler) -> Any:
        return handler.current_user


class Waiting(IdentityProvider):
    """Looks at cookies in its own time."""

    def get_user_cookie(self, handler: JupyterHandler) -> Any:
        async def look() -> User | None:
            return super(Waiting, self).get_user_cookie(handler)  # type: ignore[return-value]

        return look()


def request(
    provider: IdentityProvider, *, token: str | None = None, cookie: str | None = None
) -> JupyterHandler:
    """Return an authenticated request, as far as its identity goes."""
    sent = {"Authorization": f"token {token}"} if token else {}
    handler = SimpleNamespace(
        identity_provider=provider,
        current_user=User(username="invented", name="Anonymous Io"),
        request=SimpleNamespace(headers=sent, host="localhost"),
        _token_authenticated=token is not None,
        get_argument=lambda _name, default: default,
        get_secure_cookie=lambda _name, **_options: cookie and cookie.encode(),
        settings={},
    )
    return cast("JupyterHandler", handler)


@pytest.mark.parametrize("kind", [IdentityProvider, PasswordIdentityProvider, Waiting])
async def test_a_browser_is_the_local_user_whatever_its_invented_name(
    kind: type[IdentityProvider],
) -> None:
    provider = kind(token=TOKEN)
    cookie = provider.user_to_cookie(User(username="invented"))
    assert await actor_of(request(provider, cookie=cookie)) == "user:local"
    both = request(provider, token=TOKEN, cookie=cookie)
    assert await actor_of(both) == "user:local", "a browser that was opened with the token"


@pytest.mark.parametrize("kind", [IdentityProvider, PasswordIdentityProvider, Waiting])
async def test_a_program_is_named_after_its_token_and_does_not_show_it(
    kind: type[IdentityProvider],
) -> None:
    actor = await actor_of(request(kind(token=TOKEN), token=TOKEN))
    assert actor == BY_TOKEN
    assert TOKEN not in actor


async def test_where_people_have_names_those_are_the_actors() -> None:
    assert await actor_of(request(Named(token=TOKEN), token=TOKEN)) == "user:invented"
    assert await actor_of(request(Named())) == "user:invented"
