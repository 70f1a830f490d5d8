"""Keys and tokens that their issuers have given a shape of their own, as published by them.

Each is found by a literal, case counts, and confirmed by a pattern that is tried where the literal stands. In every
pattern the first group is kept and the rest is masked. A pattern reads a bounded number of characters before it knows
that it fails, or characters that hold no other literal of its own.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["FRAGMENT", "SHAPES", "SHORTEST_KEY"]

SHORTEST_KEY: Final = 19
"""Characters of ``A-Za-z0-9_-`` that stand together in every key below, or in a part of it."""

_ALNUM: Final = "[A-Za-z0-9]"
_WORD: Final = "[A-Za-z0-9_-]"
_HEX: Final = "[0-9a-f]"
_GITLAB: Final = rf"{_WORD}{{16,}}+(?:\.[0-9a-z]{{2}}\.[0-9a-z]{{7,9}}+)?+"
# A name in code or in a stylesheet is lower case throughout ("sk-folding-cube"); a key of letters only has no hyphens.
_NO_NAME: Final = r"(?=[a-z_-]{0,64}+[0-9A-Z]|[a-z]{20})"

# by the literal: what follows it in a key
_AFTER: Final = {
    # this platform ("ams_reference_server" is a package, and too short for a key)
    "ams_": rf"(?!{_WORD}{{16,19}}(?!{_WORD})){_WORD}{{16,}}+",
    # OpenAI, Anthropic, OpenRouter, DeepSeek, Langfuse ("sk-SK" is a locale)
    "sk-": rf"(?!SK-[A-Z]){_NO_NAME}{_WORD}{{16,}}+",
    "pk-lf-": r"[0-9a-f-]{32,36}+",
    # Stripe, ElevenLabs
    "sk_": rf"(?:(?:org_)?+(?:live|test)_{_ALNUM}{{10,}}+|{_HEX}{{40,}}+)",
    "rk_": rf"(?:live|test)_{_ALNUM}{{10,}}+",
    "whsec_": r"[A-Za-z0-9+/]{24,}+={0,2}+",
    **dict.fromkeys(("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), rf"{_WORD}{{16,}}+"),  # GitHub
    "github_pat_": rf"{_WORD}{{16,}}+",
    **dict.fromkeys(("glpat-", "gldt-", "glrt-", "glrtr-", "glptt-", "glcbt-", "glsoat-"), _GITLAB),
    **dict.fromkeys(("glft-", "glffct-", "glimt-", "glagent-", "gloas-", "glwt-"), _GITLAB),
    # Slack, and its cookie, which is percent-encoded or not
    "xox": (
        rf"(?:[abceoprs]-(?=[A-Za-z-]{{0,64}}+[0-9]){_WORD}{{10,}}+"
        r"|d-(?=[A-Za-z-]{0,64}+[0-9%+/])[A-Za-z0-9%+/=_-]{20,}+)"
    ),
    "xwfp-": rf"(?=[A-Za-z-]{{0,64}}+[0-9]){_WORD}{{16,}}+",
    "xapp-": rf"[0-9]-{_WORD}{{16,}}+",
    "hf_": rf"{_ALNUM}{{24,}}+",  # Hugging Face
    "api_org_": rf"{_ALNUM}{{34}}(?!{_ALNUM})",
    "gsk_": rf"{_ALNUM}{{32,}}+",  # Groq
    "xai-": rf"{_ALNUM}{{32,}}+",
    "pplx-": rf"{_ALNUM}{{32,}}+",  # Perplexity
    "r8_": rf"{_ALNUM}{{32,}}+",  # Replicate
    "nvapi-": rf"{_WORD}{{32,}}+",  # NVIDIA
    "lsv2_": rf"(?:pt|sk)_{_HEX}{{32}}(?:_{_HEX}{{8,12}}+)?+",  # LangSmith
    "ls__": rf"{_HEX}{{32}}(?!{_ALNUM})",
    "pcsk_": rf"{_ALNUM}{{4,}}+_{_ALNUM}{{20,}}+",  # Pinecone
    "tvly-": rf"(?:[a-z]{{2,8}}+-)?+{_WORD}{{16,}}+",  # Tavily
    "dapi": rf"{_HEX}{{32}}(?:-[0-9]{{1,2}})?+(?!{_ALNUM})",  # Databricks
    "dose": rf"{_HEX}{{32}}(?!{_ALNUM})",
    **dict.fromkeys(("dop_v1_", "doo_v1_", "dor_v1_"), rf"{_HEX}{{48,}}+"),  # DigitalOcean
    "npm_": rf"{_ALNUM}{{36,}}+",
    "pypi-": rf"AgE{_WORD}{{40,}}+",
    "SG.": rf"{_WORD}{{16,32}}+\.{_WORD}{{32,64}}+",  # SendGrid
    "SK": rf"{_HEX}{{32}}(?!{_ALNUM})",  # Twilio
    "AKIA": rf"[A-Z0-9]{{16}}(?!{_ALNUM})",  # AWS
    "ASIA": rf"[A-Z0-9]{{16}}(?!{_ALNUM})",
    "AIza": rf"{_WORD}{{35}}",  # Google
    "GOCSPX-": rf"{_WORD}{{24,}}+",
    "1//0": rf"{_WORD}{{40,}}+",
    "ya29.": rf"{_WORD}{{32,}}+",
    **dict.fromkeys(("shpat_", "shpss_", "shpca_", "shppa_", "shpua_"), rf"{_HEX}{{32}}"),  # Shopify
    "ntn_": rf"{_ALNUM}{{36,}}+",  # Notion
    "secret_": rf"(?=[a-z]{{0,42}}+[A-Z0-9]){_ALNUM}{{43}}(?!{_WORD})",
    **dict.fromkeys(("lin_api_", "lin_oauth_"), rf"{_ALNUM}{{32,}}+"),  # Linear
    **dict.fromkeys(("hvs.", "hvb."), rf"{_WORD}{{24,}}+"),  # Vault
    "glsa_": rf"{_ALNUM}{{32}}_{_HEX}{{8}}",  # Grafana
    "glc_": r"[A-Za-z0-9+/]{32,}+={0,3}+",
    "sbp_": rf"{_HEX}{{40}}",  # Supabase
    "sb_secret_": rf"{_WORD}{{20,}}+",
    **dict.fromkeys(("ATATT3", "ATCTT3"), rf"{_WORD}{{32,}}+=?+{_ALNUM}{{0,8}}+"),  # Atlassian
    "ATBB": rf"(?=[A-Za-z]{{0,32}}+[0-9]){_ALNUM}{{24,40}}+(?!{_WORD})",
}

# by the literal: the pattern around it, for those that are no prefixes
_AROUND: Final = {
    # webhooks, which are all that it takes to post
    "hooks.slack.com/": r"(hooks\.slack\.com/(?:services|workflows|triggers)/)[A-Za-z0-9_/-]{20,}+",
    "/api/webhooks/": r"(/api/webhooks/)[0-9]{15,20}+/[A-Za-z0-9_-]{48,}+",
    # an address of Google's with a key
    "key=": r"((?<=[?&])key=)(?=[A-Za-z_.-]{0,64}+[0-9])[A-Za-z0-9_.-]{24,}+",
    # signed addresses: of Azure, AWS and its CloudFront, Google
    "sig=": r"((?<=[?&;\"'])sig=)[A-Za-z0-9%+/=_-]{32,}+",
    "Signature=": r"((?<=[?&-])Signature=)[0-9A-Za-z%+/=_~-]{24,}+",
}

_PREFIX: Final = rf"()(?<!{_ALNUM})"
SHAPES: Final = {
    **{literal: re.compile(_PREFIX + re.escape(literal) + rest) for literal, rest in _AFTER.items()},
    **{literal: re.compile(around) for literal, around in _AROUND.items()},
}
"""By its literal a pattern, to be tried where the literal stands."""

_OFTEN: Final = {"sk_", "rk_", "SK", "xox", "dapi", "dose", "SG.", "ntn_", "secret_", "api_org_", "1//0"}
# Those whose beginning is no beginning of anything else.
_TELLING: Final = [literal for literal in _AFTER if literal not in _OFTEN]
FRAGMENT: Final = rf"(?<!{_ALNUM})(?:{'|'.join(map(re.escape, _TELLING))}|[sr]k_(?:live|test)_|xox[abceoprs]-){_WORD}*+"
"""The beginning of a key whose end was cut off, and which may be too short for its own pattern."""
