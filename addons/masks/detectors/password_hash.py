"""Password hashes as they stand in shadow files and configurations. Sources: crypt(5), PHC string format, Cisco types 5, 8 and 9."""

from __future__ import annotations

import regex

from addons.masks.detectors.kinds import Anchored, exact

_B = r"[A-Za-z0-9./+]"
_CRYPT = regex.compile(
    rf"(?<![\w$])(?:pbkdf2_sha(?:1|256|512)\$[0-9]{{1,8}}\$[A-Za-z0-9]{{4,64}}\$[A-Za-z0-9+/]{{20,120}}={{0,2}}|\$2[abxy]?\$[0-9]{{2}}\${_B}{{53}}|\$(?:1|apr1)\${_B}{{1,8}}\${_B}{{22}}|\$[5678]\$(?:rounds=[0-9]{{1,9}}\$)?{_B}{{1,16}}\${_B}{{43,86}}"
    rf"|\$9\${_B}{{14}}\${_B}{{43}}|\$y\${_B}{{3,8}}\${_B}{{0,86}}\${_B}{{43}}|\$argon2(?:id|i|d)\$v=[0-9]{{1,3}}\$[a-z0-9=,]{{5,60}}\$[A-Za-z0-9+/]{{8,90}}\$[A-Za-z0-9+/]{{16,180}}"
    rf"|\$pbkdf2-sha(?:1|256|512)\$[0-9]{{1,8}}\${_B}{{8,90}}\${_B}{{20,120}}|\$krb5[a-z]{{2,6}}\$[0-9]{{2}}\$[\w.*$@/\-]{{20,3000}})"
)
_LDAP = regex.compile(r"\{(?:SSHA|SHA|SMD5|MD5|CRYPT)\}[A-Za-z0-9+/$.]{20,200}={0,2}")
_AT = regex.compile(r"(?<=pbkdf2_sha(?:1|256|512))\$|\$(?:[125-9y]|2[abxy]|apr1|argon2|pbkdf2|krb5)")

DETECTORS = (
    Anchored(
        entity="PASSWORD_HASH",
        anchors=("$",),
        at=_AT,
        pattern=_CRYPT,
        back=regex.compile(r"(?r)(?:pbkdf2_sha(?:1|256|512))?"),
        after=3200,
        canonical=exact,
        confidence=0.8,
    ),
    Anchored(
        entity="PASSWORD_HASH",
        anchors=("sha}",),
        pattern=_LDAP,
        back=regex.compile(r"(?ri)\{[A-Z]{0,5}"),
        after=240,
        canonical=exact,
        confidence=0.7,
    ),
)
