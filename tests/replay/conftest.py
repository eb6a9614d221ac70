from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter(
        "ignore", DeprecationWarning
    )  # mitmproxy's own of pyparsing's and, through ldap3, pyasn1's old names
    import mitmproxy.test.taddons
    import mitmproxy.tools.web.master  # noqa: F401

from tests.evidence_package.conftest import made, world  # noqa: F401 -- the same fixtures
