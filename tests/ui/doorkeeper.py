"""What a server of named people is configured with: who they are, and what they may do."""

from jupyter_server.auth.authorizer import Authorizer
from jupyter_server.auth.identity import IdentityProvider, User
from jupyter_server.base.handlers import JupyterHandler

READER = "rita"
"""She may read, and nothing else."""


class Guests(IdentityProvider):
    """Knows people by the server's token with their name behind it, and then by their cookie."""

    def get_user_token(self, handler: JupyterHandler) -> User | None:
        token = self.get_token(handler) or ""
        known, _, name = token.rpartition("-")
        if token == self.token:  # pages have it, too
            return self.get_user_cookie(handler) or User("server", "Server")
        return User(name, name.title()) if known == self.token else None

    def generate_anonymous_user(self, handler: JupyterHandler) -> User:
        raise PermissionError("everybody has a name here")


class Readers(Authorizer):
    """Lets everybody do everything, but the reader read alone."""

    def is_authorized(
        self, handler: JupyterHandler, user: User, action: str, resource: str
    ) -> bool:
        return user.username != READER or action == "read"
