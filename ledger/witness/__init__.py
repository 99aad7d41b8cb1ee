"""A witness: keeps a log honest by cosigning only what goes on from what it cosigned before."""
