"""Keys of clouds, platforms and infrastructure. Sources: each vendor's page on authentication, 2026-11."""

from __future__ import annotations

from addons.masks.detectors.kinds import Forms, form

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
DETECTOR = Forms(
    (
        form("AZURE_KEY", "Microsoft Entra", "Q~", r"(?<value>[A-Za-z0-9_~.\-]{3}[0-9]Q~[A-Za-z0-9_~.\-]{31,34})"),
        form("AZURE_KEY", "Azure storage and others", "==", r"(?<![/+])[A-Za-z0-9+/]{86}=="),
        form(
            "AZURE_KEY",
            "Azure, common annotated",
            "JQQJ99 AZDO AAD CAAA ACDb AzCa AzSe AIoT APIM ASbE +ASt",
            r"[A-Za-z0-9+/]{20,80}(?:JQQJ99|AzCa|AzSeDe?|AIoT|APIM|ASbE|\+ASt|ACDb|AZDO)[A-Za-z0-9+/]{4,60}={0,2}",
        ),
        form("API_KEY", "DigitalOcean", "dop_v1_ doo_v1_ dor_v1_", r"do[opr]_v1_[a-f0-9]{64}"),
        form("API_KEY", "Alibaba Cloud", "LTAI", r"LTAI[A-Za-z0-9]{12,24}"),
        form("API_KEY", "Tencent Cloud", "AKID", r"AKID[A-Za-z0-9]{32}"),
        form(
            "API_KEY",
            "Yandex Cloud",
            "AQVN YCAJ YCM t1. y0_",
            r"AQVN[A-Za-z0-9_\-]{35,38}|YC[AM][A-Za-z0-9_\-]{22,38}|t1\.[A-Za-z0-9_=\-]{1,600}\.[A-Za-z0-9_\-]{60,120}={0,2}|y0_[A-Za-z0-9_\-]{30,80}",
        ),
        form("API_KEY", "Cloudflare", "cfat_ cfut_ cfk_", r"cf(?:at|ut|k)_[A-Za-z0-9_\-]{40,64}"),
        form("API_KEY", "Cloudflare origin CA", "v1.0-", r"v1\.0-[a-f0-9]{24}-[a-f0-9]{100,200}"),
        form("API_KEY", "Heroku", "HRKU-", r"HRKU-[A-Za-z0-9_\-]{36,70}"),
        form(
            "API_KEY",
            "Fly.io",
            "fo1_ fm1a_ fm1r_ fm2_",
            r"(?:fo1_[A-Za-z0-9_\-]{43}|fm[12][ar]?_[A-Za-z0-9+/]{60,2000}={0,3})",
        ),
        form("API_KEY", "Netlify", "nfp_ nfc_ nfo_ nfb_ nfu_", r"nf[pcobu]_[A-Za-z0-9_\-]{30,60}"),
        form("API_KEY", "Vercel", "vercel_blob_rw_", r"vercel_blob_rw_[A-Za-z0-9_]{20,80}"),
        form(
            "API_KEY",
            "Supabase",
            "sbp_ sb_secret_ sb_publishable_",
            r"sbp_(?:oauth_|v[0-9]_)?[a-f0-9]{40}|sb_(?:secret|publishable)_[A-Za-z0-9_\-]{20,60}",
        ),
        form("API_KEY", "PlanetScale", "pscale_", r"pscale_(?:tkn|oauth|pw)_[A-Za-z0-9_.=\-]{32,64}"),
        form("API_KEY", "Databricks", "dapi", r"dapi[a-f0-9]{32}(?:-[0-9])?"),
        form("API_KEY", "Databricks", "dose", r"dose[a-f0-9]{32}"),
        form("API_KEY", "Snowflake", "ver:1-hint:", r"ver:1-hint:[0-9]{1,20}-ETMsDgAA[A-Za-z0-9+/=_\-]{40,400}"),
        form("API_KEY", "HashiCorp Vault", "hvs. hvb. hvr.", r"hv[sbr]\.[A-Za-z0-9_\-]{20,400}"),
        form(
            "API_KEY",
            "HashiCorp Vault",
            "s. b. r.",
            r"(?<![\w.])(?=[sbr]\.[A-Za-z0-9]*[0-9])(?=[sbr]\.[A-Za-z0-9]*[a-z])(?=[sbr]\.[A-Za-z0-9]*[A-Z])(?:[sr]\.[A-Za-z0-9]{24}(?:\.[A-Za-z0-9]{5})?|b\.AAAAAQ[A-Za-z0-9_\-]{60,400})",
        ),
        form("API_KEY", "HCP Terraform", ".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=\-]{60,80}"),
        form("API_KEY", "Pulumi", "pul-", r"pul-[a-f0-9]{40}"),
        form("API_KEY", "Prefect", "pnu_ pnb_", r"pn[ub]_[A-Za-z0-9]{36}"),
        form(
            "API_KEY",
            "Doppler",
            "dp.",
            r"dp\.(?:pt|st|ct|sa|scim|audit|said)\.(?:[a-z0-9_\-]{2,35}\.)?[A-Za-z0-9]{38,46}",
        ),
        form("API_KEY", "Infracost", "ico-", r"ico-[A-Za-z0-9]{32}"),
        form(
            "API_KEY",
            "Tailscale",
            "tskey-",
            r"tskey-(?:auth|api|client|scim|webhook)?-?[A-Za-z0-9]{6,30}-[A-Za-z0-9_]{16,60}",
        ),
        form("API_KEY", "Defined Networking", "dnkey-", r"dnkey-[A-Za-z0-9_=\-]{26}-[A-Za-z0-9_=\-]{52}"),
        form("API_KEY", "OpenShift", "sha256~", r"sha256~[A-Za-z0-9_\-]{43}"),
        form("API_KEY", "Scalingo", "tk-us-", r"tk-us-[A-Za-z0-9_\-]{40,60}"),
        form("API_KEY", "Harness", "pat. sat.", r"[ps]at\.[A-Za-z0-9_\-]{20,24}\.[0-9a-f]{24}\.[A-Za-z0-9]{20}"),
        form("API_KEY", "ClickHouse Cloud", "4b1d", r"4b1d[A-Za-z0-9]{38}"),
        form("API_KEY", "Contentful", "CFPAT-", r"CFPAT-[A-Za-z0-9_\-]{43}"),
        form("API_KEY", "Akamai", "akab-", r"akab-[A-Za-z0-9]{16}-[A-Za-z0-9]{16}"),
        form("API_KEY", "Linode, Vultr, Hetzner by name; Scaleway", "SCW", r"SCW[A-Z0-9]{17}"),
        form("API_KEY", "Aiven", "AVNS_", r"AVNS_[A-Za-z0-9_\-]{16,24}"),
        form("API_KEY", "Neon, Turso, Upstash", "napi_ neon_", r"napi_[a-z0-9]{60,80}|neon_[A-Za-z0-9_\-]{30,60}"),
        form("API_KEY", "CAST AI", "castai_v1_", r"castai_v1_[A-Za-z0-9]{40,90}(?:_[A-Za-z0-9]{4,12})?"),
        form(
            "API_KEY",
            "Authress",
            ".acc_ .acc-",
            r"(?:sc|ext|scauth|authress)_[A-Za-z0-9]{5,30}\.[A-Za-z0-9]{4,6}\.acc[_\-][A-Za-z0-9\-]{10,32}\.[A-Za-z0-9+/_=\-]{30,120}",
        ),
        form("API_KEY", "Microsoft Teams, Octopus Deploy", "API-", r"API-[A-Z0-9]{25,32}"),
        form("API_KEY", "age", "age1", r"age1[0-9a-z]{58}"),
        form(
            "API_KEY",
            "1Password",
            "ops_eyJ A3-",
            r"ops_eyJ[A-Za-z0-9+/]{200,2000}={0,3}|A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}",
        ),
        form("API_KEY", "Dependency-Track", "odt_", r"odt_[A-Za-z0-9]{32,40}"),
        form("API_KEY", "Kubernetes bootstrap, by name", "kubeadm", rf"kubeadm:{_UUID}"),
    )
)
