"""Keys of what builds, ships and watches software. Sources: each vendor's page on authentication, 2026-11."""

from __future__ import annotations

from addons.masks.detectors.forms import Forms, form, whole

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
DETECTOR = Forms(
    form("API_KEY", "npm", "npm_", r"npm_[A-Za-z0-9]{36}"),
    form("API_KEY", "PyPI", "pypi-AgE", r"pypi-AgE[A-Za-z0-9_\-]{50,1000}"),
    form("API_KEY", "RubyGems", "rubygems_", r"rubygems_[a-f0-9]{48}"),
    form("API_KEY", "NuGet", "oy2", r"oy2[a-z0-9]{43}"),
    form("API_KEY", "crates.io", "cio", r"cio[A-Za-z0-9]{32}"),
    form("API_KEY", "Clojars", "CLOJARS_", r"CLOJARS_[A-Za-z0-9]{60}"),
    form("API_KEY", "Docker", "dckr_pat_ dckr_oat_", r"dckr_[po]at_[A-Za-z0-9_\-]{24,40}"),
    form("API_KEY", "JFrog", "cmVmdGtuOj", r"cmVmdGtuOj[A-Za-z0-9]{40,80}"),
    form(
        "API_KEY",
        "Atlassian",
        "ATATT3 ATCTT3 ATBB ATSTT3",
        r"(?:AT[ACS]TT3[A-Za-z0-9_=\-]{60,260}|ATBB[A-Za-z0-9_=\-]{24,40})",
    ),
    form("API_KEY", "CircleCI", "CCIPAT_ CCIPRJ_", r"CCI(?:PAT|PRJ)_[A-Za-z0-9]{10,30}_[a-f0-9]{40}"),
    form("API_KEY", "Buildkite", "bkua_", r"bkua_[a-z0-9]{40}"),
    form("API_KEY", "Sentry", "sntrys_ sntryu_ sntrya_ sntryi_", r"sntry[suai]_[A-Za-z0-9+/=_\-]{40,400}"),
    form(
        "API_KEY",
        "New Relic",
        "NR",
        r"NR(?:AK|JS|II|RA|IQ|AA|BR|SP|AL)-?[A-Za-z0-9_\-]{16,60}",
    ),
    form("API_KEY", "Dynatrace", "dt0", r"dt0[a-z][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    form(
        "API_KEY",
        "Grafana",
        "glsa_ glc_ eyJrIjoi",
        r"glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|glc_[A-Za-z0-9+/]{32,400}={0,3}|eyJrIjoi[A-Za-z0-9]{40,400}={0,3}",
    ),
    form("API_KEY", "SonarQube", "squ_ sqp_ sqa_", r"sq[upa]_[a-f0-9]{40}"),
    form("API_KEY", "Sourcegraph", "sgp_", r"sgp_(?:[a-fA-F0-9]{16}_)?(?:local_)?[a-fA-F0-9]{40}"),
    form("API_KEY", "Postman", "PMAK-", r"PMAK-[a-fA-F0-9]{24}-[a-fA-F0-9]{34}"),
    form("API_KEY", "ReadMe", "rdme_", r"rdme_[a-z0-9]{70}"),
    form("API_KEY", "Linear", "lin_api_ lin_oauth_", r"lin_(?:api|oauth)_[A-Za-z0-9]{32,64}"),
    form("API_KEY", "Notion", "ntn_ secret_", r"ntn_[0-9]{8,14}[A-Za-z0-9]{30,40}|secret_[A-Za-z0-9]{43}"),
    form("API_KEY", "Figma", "figd_ figo_ figor_ figu_", r"fig(?:d|or?|u)_[A-Za-z0-9_\-]{36,60}"),
    form("API_KEY", "Asana", "1/ 2/", r"[12]/[0-9]{10,20}(?:/[0-9]{10,20})?:[a-f0-9]{32}"),
    form("API_KEY", "Airtable", "pat", r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}"),
    form("API_KEY", "Airtable", "key", r"key(?=[A-Za-z]*[0-9])(?=[A-Za-z0-9]*[A-Z])[A-Za-z0-9]{14}"),
    form("API_KEY", "LaunchDarkly", "sdk- mob- api-", rf"(?:sdk|mob|api)-{_UUID}"),
    form("API_KEY", "Beamer", "b_", r"b_[A-Za-z0-9=_\-]{44}"),
    form("API_KEY", "Artifact hubs, Gitea, Gogs by name; Chief Tools", "ctp_", r"ct[po]_[A-Za-z0-9]{36,60}"),
    form("API_KEY", "Kiro, Cursor, Ngrok", "ngrok_ key_", r"key_(?=[a-f0-9]*[0-9])[a-f0-9]{64}"),
    form("API_KEY", "Settlemint", "sm_aat_ sm_pat_ sm_sat_", r"sm_[aps]at_[A-Za-z0-9]{16}"),
    form("API_KEY", "intra 42", "s-s4t2", r"s-s4t2(?:ud|af)-[a-f0-9]{64}"),
    form("API_KEY", "Honeycomb", "hcaik_ hcxik_ hcbik_", r"hc[abx][imc]k_[a-z0-9]{58}"),
    form("API_KEY", "PostHog", "phx_ phc_ phs_", r"ph[xcs]_[A-Za-z0-9_\-]{36,60}"),
    form("API_KEY", "Rootly, incident.io", "rootly_", r"rootly_[a-f0-9]{64}"),
    form("API_KEY", "Endor, Semgrep", "endr+", r"endr\+[A-Za-z0-9\-]{16}"),
    whole("API_KEY", "MaxMind", (40,), r"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk"),
    form("API_KEY", "npm, old form, and Frame.io", "fio-u-", r"fio-u-[A-Za-z0-9_=\-]{64}"),
)
