"""Words that name diseases in general, for those that the knowledge base has no entry of."""

from __future__ import annotations

import re
from functools import cache

from knowledge.reading.normalise import Normaliser
from knowledge.vocabulary import load_vocabulary

# By how medicine builds its words. Endings that also build findings are left out (-oma as in
# hematoma) or lack those findings (-osis as in stenosis).
_DISEASE = re.compile(
    r"""\b(?:
      \w*(?:carcinom|sarcom|lymphom|blastom|theliom|adenom|gliom|myelom|melanom|thymom|teratom
           |hamartom|wannom)a(?:s|ta)?
    | \w*pneumonia\w* | \w{3,}itis
    | (?!\w*(?:ankyl|diverticul|ect|fibr|hydronephr|kyph|lord|necr|scler|scoli|spondyl|sten
           |thromb)osis)\w+osis
    | cancers? | malignan\w* | metasta\w* | neoplas\w* | leuka?emi\w* | tubercul\w*
    | asthma\w* | influenza | sepsis | infections? | stroke | infarct(?:s|ions?)? | embolism
    | diseases? | disorders? | syndromes? | (?:heart|cardiac|respiratory|renal|hepatic)\ failure
    | covid\w* | copd | ards | ild | uip | nsip | ipf | tb
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)


def says_disease(text: str) -> bool:
    """Whether a text holds a word that names a disease and is no part of a finding's name.

    "tuberculosis" and "lung cancer" do; "bullous disease", which the vocabulary has as a finding,
    does not.
    """
    plain = text.replace("_", " ")
    words = [(word.start(), word.end()) for word in _DISEASE.finditer(plain)]
    if not words:
        return False
    findings = [(mention.start, mention.end) for mention in _normaliser().mentions(plain)]
    return any(
        not any(low <= start and end <= high for low, high in findings) for start, end in words
    )


@cache
def _normaliser() -> Normaliser:
    return Normaliser(load_vocabulary())
