"""Keys of payment, mail, messaging, shops, maps and social networks. Sources: each vendor's page on authentication, 2026-11."""

from __future__ import annotations

from addons.masks.detectors.forms import Forms, form, holding, whole

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
DETECTOR = Forms(
    form("API_KEY", "SendGrid", "SG.", r"SG\.[A-Za-z0-9_\-]{16,32}\.[A-Za-z0-9_\-]{16,64}"),
    form("API_KEY", "SendGrid", "SG.", r"SG\.(?=[A-Za-z0-9=_.\-]*[0-9])[A-Za-z0-9=_.\-]{66}"),
    form("API_KEY", "Mailgun", "key- pubkey-", r"(?:pub)?key-[a-f0-9]{32}"),
    whole("API_KEY", "Mailgun", (50,), r"[a-h0-9]{32}-[a-h0-9]{8}-[a-h0-9]{8}"),
    whole("API_KEY", "Mailchimp", (36, 37), r"[0-9a-f]{32}-us[0-9]{1,2}"),
    form("API_KEY", "Brevo", "xkeysib- xsmtpsib-", r"x(?:keysib|smtpsib)-[a-f0-9]{64}-[A-Za-z0-9]{16}"),
    form("API_KEY", "Postmark, Resend", "re_", r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}"),
    form("API_KEY", "MailerSend", "mlsn.", r"mlsn\.[a-f0-9]{64}"),
    form("API_KEY", "Twilio", "SK AC", r"(?:SK|AC)[0-9a-f]{32}"),
    holding("API_KEY", "Telegram", ":AA", r"[0-9]{8,10}:AA[A-Za-z0-9_\-]{32,33}"),
    form(
        "API_KEY",
        "Discord",
        "MT Mj Mz ND NT Nj Nz OD OT",
        r"(?:[MNO][A-Za-z0-9_\-]{23,27})\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,40}",
    ),
    form("API_KEY", "Square", "sq0 EAAA", r"sq0[a-z]{3}-[A-Za-z0-9_\-]{22,43}|EAAA[A-Za-z0-9_\-]{56,64}"),
    form(
        "API_KEY",
        "PayPal, Braintree",
        "access_token$",
        r"access_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}",
    ),
    form("API_KEY", "Adyen", "AQE", r"AQE[A-Za-z0-9+/=\-]{60,400}"),
    form("API_KEY", "Flutterwave", "FLWSECK FLWPUBK", r"FLW(?:SECK|PUBK)(?:_TEST|_LIVE)?-[A-Za-z0-9]{12,40}(?:-X)?"),
    form("API_KEY", "Lob", "live_ test_", r"(?:live|test)_(?:pub_)?[a-f0-9]{31,35}"),
    form("API_KEY", "GoCardless", "live_", r"live_(?=[A-Za-z0-9_=\-]*[0-9])[A-Za-z0-9_=\-]{40}"),
    form("API_KEY", "Shippo", "shippo_", r"shippo_(?:live|test)_[a-fA-F0-9]{40}"),
    form("API_KEY", "Duffel", "duffel_", r"duffel_(?:live|test)_[A-Za-z0-9_=\-]{43}"),
    form("API_KEY", "Razorpay", "rzp_", r"rzp_(?:live|test)_[A-Za-z0-9]{14,24}"),
    form(
        "API_KEY",
        "Chargebee, Paystack by Stripe's form; Plaid",
        "access-",
        rf"access-(?:sandbox|development|production)-{_UUID}",
    ),
    form("API_KEY", "EasyPost", "EZAK EZTK", r"EZ[AT]K[A-Za-z0-9]{54}"),
    form(
        "API_KEY",
        "Shopify",
        "shpat_ shpca_ shppa_ shpss_ shptka_ shpua_",
        r"shp(?:at|ca|pa|ss|tka|ua)_[a-fA-F0-9]{32}",
    ),
    form("API_KEY", "HubSpot", "pat-", rf"pat-(?:na|eu|ap)[0-9]-{_UUID}"),
    form("API_KEY", "Intercom", "dG9r", r"dG9r[A-Za-z0-9+/]{50,60}={0,2}"),
    form("API_KEY", "Typeform", "tfp_", r"tfp_[A-Za-z0-9_.=\-]{40,64}"),
    form(
        "API_KEY",
        "Mapbox",
        "pk.eyJ sk.eyJ tk.eyJ pk.",
        r"[pst]k\.eyJ[A-Za-z0-9_\-]{20,200}\.[A-Za-z0-9_\-]{20,40}|pk\.[A-Za-z0-9]{60}\.[A-Za-z0-9]{22}",
    ),
    form("API_KEY", "Dropbox", "sl.", r"sl\.(?:u\.)?[A-Za-z0-9_\-]{60,1400}"),
    form("API_KEY", "Facebook", "EAA", r"EAA[A-Z][A-Za-z0-9]{20,400}"),
    form("API_KEY", "Twitter", "AAAAAAAAAA", r"AAAAAAAAAAAAAAAAAAAA[A-Za-z0-9%]{40,120}"),
    form("API_KEY", "Twitch", "live_", r"live_[0-9]{6,12}_[A-Za-z0-9]{30}"),
    form(
        "API_KEY",
        "LinkedIn",
        "AQ WPL_AP",
        r"AQ[A-Z][A-Za-z0-9_\-]{100,400}|WPL_AP[01]\.[A-Za-z0-9]{16}\.[A-Za-z0-9+/=]{4,8}",
    ),
    form("API_KEY", "Instagram", "IGQ", r"IGQ[A-Za-z0-9_\-]{60,300}"),
    form("API_KEY", "Salesforce", "00D", r"00D[A-Za-z0-9]{12,15}![A-Za-z0-9_.]{80,120}"),
    form("API_KEY", "Okta", "00", r"00(?=[A-Za-z0-9_\-]*[A-Z])(?=[A-Za-z0-9_\-]*[a-z])[A-Za-z0-9_\-]{40}"),
    form("API_KEY", "Telnyx", "KEY0", r"KEY0[0-9A-F]{32}_[A-Za-z0-9]{22}"),
    form("API_KEY", "Adobe", "p8e-", r"p8e-[A-Za-z0-9]{32}"),
    form("API_KEY", "Zendesk, Zapier by name; Sendinblue old", "SIB", r"SIB[A-Za-z0-9]{40,64}"),
    form(
        "API_KEY",
        "Worldcoin, Coinbase, Binance by name; Etherscan",
        "bb_",
        r"bb_(?:live|test)_[A-Za-z0-9_\-]{20,60}",
    ),
    form("API_KEY", "Customer.io, Klaviyo", "pk_", r"pk_[a-f0-9]{34}"),
)
