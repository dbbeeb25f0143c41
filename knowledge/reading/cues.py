"""The wordings that deny, doubt, ask, or speak of the past or of another person.

The tables are regular expressions over a sentence as `knowledge.reading.context` writes it: folded
words (see `knowledge.words`) and the marks , : ( ) ? between single spaces, with the phrase that is
asked about replaced by TERM. They are folded when this module is read, so they are written as one
speaks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from knowledge.words import fold

Says = Literal["nothing", "denied", "gone", "doubted", "asked", "family", "past"]
Reach = Literal["list", "clause", "noun", "family", ""]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """What a wording says of a term, and how far.

    Attributes:
        says: "gone" is denied now and was true once; "nothing" only keeps a longer wording from
            being read as the shorter one inside it ("no change in").
        words: Regular expression.
        ahead: What it governs after it: a list across commas and "and", no further than the next
            comma, the next noun alone, the whole clause with its "with"; "" is none.
        back: Whether it governs what stands before it.
        weak: A denial that leaves some doubt.
    """

    says: Says
    words: str
    ahead: Reach = ""
    back: bool = False
    weak: bool = False


def folded(pattern: str) -> str:
    """The pattern with its words in the form that sentences have."""
    return re.sub(r"[a-z]{2,}", lambda word: fold(word.group()), pattern)


def whole_words(pattern: str) -> re.Pattern[str]:
    """A compiled pattern that begins and ends at spaces."""
    return re.compile(rf"(?<!\S)(?:{folded(pattern)})(?!\S)")


BE = "(?:is|are|was|were|has|have|had|seems|appears|remains)"
_FULLY = (
    "(?:now|since|completely|fully|entirely|been|currently|again|be|considered|felt|thought|"
    "clinically|genetically)"
)
_RATHER = (
    "(?:any|significant|significantly|interval|appreciable|appreciably|substantial|substantially|"
    "definite|definitely|obvious|marked|markedly|much|major|relevant|been|yet|really|further)"
)
_SEEN = (
    r"(?:seen|present|identified|visuali[sz]ed|demonstrated|evident|appreciated|found|detected|"
    r"noted|observed|apparent|shown|visible|confirmed|diagnosed|there)"
)
_EARLIER = "(?:prior|previous|earlier|last|old|outside|initial|comparison|preceding)"
_STUDY = (
    "(?:chest )?(?:ct|study|exam|examination|radiograph|film|scan|imaging|image|xray|x ray|mri|"
    "ultrasound|report|cxr)"
)
_RELATIVE = (
    "(?:mother|father|sister|brother|sibling|grandmother|grandfather|grandparent|aunt|uncle|"
    "cousin|nephew|niece|son|twin|wife|husband|spouse|parent(?! (?:artery|vessel))|"
    "daughter(?! (?:cyst|nodule|lesion))|(?:degree|family|close|distant|blood) relative)"
)
_HERE = r"(?= (?:\w+ )?TERM)"
_YEAR = r"(?:19|20)\d\d"
_END = r"(?=$| [,:()]| (?:and|but|on|in|at|given|here|present)(?!\S))"

# At one place in a sentence the first that fits counts.
RULES = (
    Rule(
        says="nothing",
        words=(
            # What does not change is there.
            rf"(?:no|without)(?: {_RATHER})* (?:change(?! (?:consistent|suggestive|of))|"
            rf"increase|decrease|progression|growth|"
            rf"enlargement|improvement|worsening|difference|resolution|regression|reduction|"
            rf"enlarging|increasing|larger|smaller)(?: in| of)?"
            rf"|not(?: {_RATHER}| completely| fully)* (?:changed|increased|increasing|decreased|"
            rf"progressed|grown|enlarged|improved|worsened|worse|different|larger|smaller|bigger|"
            rf"resolved|cleared|new)"
            rf"|(?:partial|partially|incomplete|incompletely|near|nearly|almost|largely|mostly)"
            rf"(?: complete| completely)? (?:resolution of|resolution|resolved|cleared)"
            # New since an earlier study.
            rf"|(?:previously )?not {_SEEN} (?:(?:on|in|at) (?:the |any |her |his )?{_EARLIER}"
            rf"|previously|before|earlier|then)|previously not {_SEEN}"
            rf"|(?:no )?(?:recent|{_EARLIER}) {_STUDY}|no comparison"
            rf"|not only|no doubt|not necessarily|(?:no|without)(?: iv| intravenous)? contrast"
            rf"|(?:difficult|hard|impossible|unable|limited) to (?:assess|evaluate)"
            # Who comes because of X has it.
            rf"|(?:presents|presented|referred|seen|admitted) for (?:further )?"
            rf"(?:evaluation|workup|assessment|investigation) of"
            rf"|history of (?:the )?present(?:ing)? (?:illness|complaint)"
            rf"|(?:hour|day|week|month|year|long|short) history of"
            rf"|(?:first|initially) \w+ (?:in|on) (?:\w+ )?{_YEAR}|since (?:\w+ )?{_YEAR}"
            rf"|since \w+ (?:week|month|year) ago"
            # A parent who is the patient, or who speaks for the patient.
            rf"|old (?:mother|father)|(?:mother|father) of \w+"
            rf"|{_RELATIVE} (?:reports|reported|states|says|said|noted|noticed|describes|brought)"
        ),
    ),
    # What would be seen, were it there, and what might be hidden.
    Rule(
        says="asked",
        back=True,
        words=r"would (?:be|have been) (?:expected|anticipated|unusual|atypical|typical|seen)",
    ),
    Rule(
        says="asked",
        ahead="clause",
        words=(
            r"(?:may|might|could|can|would) (?:obscure|hide|mask|conceal|miss)|had there been"
            r"|(?:if|should) there (?:be|were|is)|would expect(?: to see)?"
        ),
    ),
    Rule(
        says="doubted",
        back=True,
        words=(
            rf"(?:cannot|can not|could not|(?:{BE} )?not)(?: \w+)??(?: \w+)?"
            rf" (?:excluded|ruled out)"
            rf"|(?:{BE} )?not (?:well|clearly|definitely|reliably) {_SEEN}"
            rf"|(?:may|might|could) be {_SEEN}"
            rf"|(?:{BE} )?(?:very |highly |still )?(?:possible|probable|likely|suspected|"
            rf"questionable|questioned|considered|equivocal|uncertain|doubtful)"
            rf"(?<!less likely){_END}"
            rf"|{BE} less likely|\(\?\)"
        ),
    ),
    Rule(says="doubted", back=True, ahead="clause", words="versus|vs"),
    Rule(
        says="doubted",
        ahead="clause",
        words=(
            r"(?:cannot|can not|could not|not|unable to|difficult to|hard to|impossible to)"
            r"(?: \w+)? (?:exclude|rule out)"
            r"|(?:(?:may|might|could|possibly|possible|probably|probable|likely)(?! \d)"
            r"(?: also)?(?: be)?(?: represent| reflect| indicate)?(?: (?:due|secondary) to)?)"
            r"|if any|questionable|equivocal|suspicious for|suspected|suspect|suspicion (?:of|for)"
            r"|suggest|suggested|suggesting|suggestive of"
            r"|(?:concern|concerning|concerned|worrisome) for"
            r"|presumed|consider|looks like|differential(?: diagnosis)?(?: includes)?"
        ),
    ),
    Rule(
        says="gone",
        back=True,
        words=(
            rf"(?:{BE} )?no longer {_SEEN}"
            rf"|(?:{BE}|both|all)(?: {_FULLY})* (?:resolved|disappeared|cleared|gone)"
        ),
    ),
    Rule(
        says="denied",
        back=True,
        words=(
            rf"(?:{BE} )?(?:not|never)(?: {_FULLY})* {_SEEN}"
            rf"|{BE}(?: {_FULLY})* (?:excluded|ruled out|absent)"
            rf"|(?:(?:test|testing|screen|screening|serology) )?(?:{BE} )?(?:tested )?"
            rf"negative(?! (?:for|pressure))|[:,] (?:none|no|absent|nil)(?=$| [,)])"
        ),
    ),
    Rule(says="denied", back=True, weak=True, words=rf"{BE}(?: {_FULLY}| very)* unlikely(?! to)"),
    Rule(
        says="denied",
        ahead="list",
        weak=True,
        words=(
            r"(?:no|without)(?: any| definite| evidence of| sign of| interval)* "
            r"(?:new|additional|further|other|interval)(?: or \w+)?"
        ),
    ),
    Rule(says="gone", ahead="list", words="no longer|(?:resolution|disappearance) of"),
    Rule(says="gone", ahead="clause", back=True, words="resolved"),
    Rule(says="denied", ahead="clause", back=True, words="excluded|ruled out|absent"),
    Rule(says="denied", ahead="clause", weak=True, words="unlikely to (?:be|represent)"),
    Rule(says="denied", ahead="clause", back=True, weak=True, words="unlikely(?! to)"),
    Rule(
        says="asked",
        ahead="list",
        words=(
            r"\?|rule out|r o|exclude|query|question (?:of|whether|is)|question(?= :)"
            r"|(?:concern|concerned|worry|worried) about|(?:to see )?(?:whether|if)|is there"
            r"|are there|evaluate|evaluating|assess|assessing|check(?! up)|checking|investigate"
            r"|(?:look|looking) (?:for|at)|(?:screen|screening|screened|evaluated|assessed) for"
            r"|(?:evaluation|assessment|workup|work up|surveillance|search) (?:for|of)"
        ),
    ),
    Rule(says="asked", back=True, words=r"\?(?= [,:()])"),
    Rule(
        says="denied",
        ahead="list",
        words=(
            r"nor (?:is|are) there|no|nor|neither|without|absence of|lack of|free of|free from"
            r"|(?:denies|denied|denying|negative for)(?: the following)?|clear of|none of"
            r"|never(?: had| been)?"
            r"|(?:failed|fails) to (?:show|demonstrate|reveal|identify)"
            r"|not (?:show|demonstrate|reveal|identify|contain|see|find|have|had)"
            r"|(?:argues|speaks|evidence) against"
        ),
    ),
    Rule(says="denied", ahead="clause", words=rf"not|rather than|instead of|non{_HERE}"),
    Rule(says="family", back=True, words=rf"(?:in|of|affecting)(?: \w+)?(?: \w+)?? {_RELATIVE}"),
    Rule(
        says="family",
        ahead="family",
        words=rf"family history(?: of)?|{_RELATIVE}|(?:passive|second hand){_HERE}",
    ),
    Rule(
        says="past",
        ahead="list",
        words=(
            r"(?:history|hx) (?:of|includes|including|(?:significant|notable|remarkable|positive) "
            r"for)|past (?:medical |surgical )?history|pmh|h o|s p|status post"
        ),
    ),
    Rule(says="past", ahead="noun", words="previous|prior"),
    Rule(
        says="past",
        back=True,
        words=(
            rf"(?:in|on|during) (?:\w+ )?(?:\w+ )??{_YEAR}|\( {_YEAR} \)"
            r"|(?:day|week|month|year|decade) (?:ago|earlier)|last (?:year|month)"
            r"|in (?:the past|childhood|infancy)|as a (?:child|teenager|infant)"
        ),
    ),
)  # fmt: skip

# How a new statement begins after a comma or "and"; "?" and the rules above begin one too.
CLAUSE_START = (
    rf"(?:a|an|the|this|that|these|there|it|its|he|she|they|his|her|patient|ct|chest|imaging|also|"
    rf"otherwise|evidence|known|again|{BE})"
)
SIDE = "(?:left|right|bilateral|bilaterally|both|unilateral|lul|lll|rul|rll|rml)"
PLACE = (
    rf"(?:{SIDE}|upper|middle|lower|apical|apex|apices|basal|basilar|bibasilar|bibasal|base|lobe|"
    rf"lobar|lingula|lingular|hilar|subpleural|central|peripheral|diffuse|anterior|posterior|"
    rf"medial|lateral|hemithorax|sided|side)"
)
ITEM_START = (
    rf"(?:very |still )?(?:small|tiny|trace|minimal|slight|mild|mildly|moderate|moderately|large|"
    rf"massive|severe|marked|extensive|subtle|huge|multiple|several|numerous|many|few|some|single|"
    rf"solitary|scattered|one|two|three|four|five|six|\d+|new|newly|stable|unchanged|persistent|"
    rf"residual|increased|increasing|decreased|improved|improving|worsening|enlarging|larger|"
    rf"smaller|progressive|recurrent|former|ex|heavy|smoker|in|on|at|within|positive|visible|{PLACE})"
)
# Where a statement ends whatever it says; "consistent with" belongs to the statement.
STATEMENT_END = (
    r"but|however|although|though|except|which|who|yet|while|whereas|besides|apart from|other than|"
    r"aside from|then|now|because|due|despite|secondary|after|following|since|before|"
    r"shows|showed|demonstrates|demonstrated|reveals|revealed|presents with|presenting|presented|"
    r"there (?:is|are|was|were)|patient|in (?:a|an|this|young|heavy|former|known|\d+)|"
    r"(?:obscured|limited|compressed) by|"
    r"(?<!consistent )(?<!compatible )(?<!keeping )(?<!associated )with"
)
