"""Who sent a request, as the log records it (AU2)."""

import hashlib
import inspect

from jupyter_server.auth.identity import IdentityProvider
from jupyter_server.base.handlers import JupyterHandler

from jupyter_runt.ids import ActorId, user_actor


async def actor_of(handler: JupyterHandler) -> ActorId:
    """Return the actor of an authenticated request.

    Jupyter's default identity providers invent a name per browser: whoever knows the server's
    secret is then one actor, `user:local`, and a program that sends only a token is named after it.
    """
    provider = handler.identity_provider
    if not _invents_names(provider):
        return user_actor(handler.current_user.username)
    if provider.is_token_authenticated(handler) and await _cookie_user(handler) is None:
        digest = hashlib.sha256((provider.get_token(handler) or "").encode()).hexdigest()
        return user_actor(f"token-{digest[:8]}")
    return user_actor("local")


def _invents_names(provider: IdentityProvider) -> bool:
    kind = type(provider)
    return (
        kind.get_user is IdentityProvider.get_user
        and kind.generate_anonymous_user is IdentityProvider.generate_anonymous_user
    )


async def _cookie_user(handler: JupyterHandler) -> object:
    user = handler.identity_provider.get_user_cookie(handler)
    return await user if inspect.isawaitable(user) else user
