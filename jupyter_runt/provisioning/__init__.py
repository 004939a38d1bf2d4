"""How every kernel of the server is launched, watched and kept from the server's secrets."""
