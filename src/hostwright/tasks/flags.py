"""What flags of several tasks mean, in the words of their help."""

from __future__ import annotations

HOST = "A name from hosts.yaml, or [user@]address[:port]."
JSON = "Print one JSON document; progress goes to standard error."
KEY = "Private key to log in with; else ~/.ssh and the agent."
TARGET = "One of aws, azure, gcp, kubernetes, vps."
PROFILE = "One of development, staging, production."
VALUES = "The operator's values; wins over hosts.yaml."

#: What a release is made of, for tasks that make one.
RELEASE = {
    "image": "ROLE=REFERENCE; may be repeated; wins over hosts.yaml.",
    "env-file": VALUES,
    "app-domain": "Host name of the web role.",
    "api-domain": "Host name of the api role.",
    "acme-email": "Who the certificate authority writes to.",
}
