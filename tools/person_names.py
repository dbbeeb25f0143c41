"""Patterns of people's names, each linear in the text's length.

A name is found by what stands beside it: a title, a label, a relative, an age. Without any of these
a name and an eponym (Swyer-James) look the same: bare_names tells some of them apart.
"""

from __future__ import annotations

import re

UPPER = r"[A-Z\u00c0-\u00d6\u00d8-\u00de\u0100-\u017f]"
_LETTERS = r"(?:[^\W\d_]|['\u2019-])++(?!\w)"
# Smith, McKay, O'Neil
_MIXED = rf"(?={UPPER}{{1,3}}(?:['\u2019-]{UPPER}?)?[a-z\u00df-\u00ff\u0100-\u017f])"
_PARTICLES = r"(?:(?i:van|von|der|den|de|di|da|la|le|dos|du|al|el|bin|ibn)[ \t]{1,3}){0,3}"

# Capitalised words that follow a label without being a name.
_NO_NAME = (
    r"(?!(?i:an?|the|with|has|had|is|was|who|known|now|no|not|of|in|on|for|from|and|to|at|by"
    r"|present\w*|complain\w*|reports?|denies|underwent|status|post|history|clinical|indication"
    r"|findings?|impression|technique|comparison|exam\w*|study|age[ds]?|sex|gender|dob|date|born"
    r"|id|mrn|male|female|m[ae]n|wom[ae]n|girl|boy|infant|adult|elderly|currently|chronic|acute"
    r"|infectious|palliative|occupational|ana?esthe\w*"
    r"|progressive|severe|mild|recurrent|suspected|possible|previous\w*|prior|recent\w*"
    r"|normal|left|right|bilateral|upper|lower|middle|chest|lungs?|head|neck|brain|abdom\w*"
    r"|pelvi\w*|spine|cell|pain\w*|cough|fever|cysts?|mass|nodules?|type|stage|grade|vitamin"
    r"|hepatitis|ct|mri?|pet|department|clinic|hospital|disease|disorder|syndrome|cancer|tumou?r"
    r"|fracture|pulmonary|cardiac|renal|hepatic|pleural|aortic|thoracic|mediastinal|interstitial"
    r"|diffuse|focal|multiple|new|old|large|small|high|low|non|ground|glass|contrast|axial|coronal"
    r"|sagittal|series|image|slice|shortness|weight|blood|heart|liver|kidney|bone|breast|skin"
    r"|nurse|consultant|doctor|radiolog\w*|general|community|emergency|medical|intensive|multi\w*"
    r"|hodgkin|crohn|wegener|kartagener|swyer|birt|ewing|langerhans|fleischner|castleman|kaposi"
    r"|marfan|gaucher|erdheim|caplan|beh[c\u00e7]et|takayasu|kawasaki|pancoast|alzheimer|parkinson"
    r"|huntington|hashimoto|cushing|goodpasture|alport|wilms|burkitt|lynch|down|sj[o\u00f6]gren"
    r"|dr|mrs?|ms|prof"
    r"|\w*(?:itis|osis|oma|omas|emia|aemia|pathy|ectomy|pnea|pnoea|plasia|uria|algia|iasis|ology"
    r"|iatrics?|surgery|medicine|therapy|ologist|ologists|iatrist|surgeons?|practitioners?|team"
    r"|services?|ward))\b)"
)
# Not a name: up to three words and then what eponyms stand before.
_NO_EPONYM = (
    r"(?!(?:[^\W\d_][\w'\u2019-]*+[ \t]){1,3}(?i:disease|disorder|syndrome|lymphoma|sarcoma|tumou?r"
    r"|fracture|sign|triad|granulom\w*|anaemia|anemia|chorea|palsy|thyroiditis|esophagus"
    r"|oesophagus|criteria|score|classification|cell|line|node|body|bodies|lesion|malformation"
    r"|h(?:a)?ematoma)\b)"
)
START = rf"(?<![\w'\u2019-])(?={UPPER})"  # the first capital of a word, with its hyphens
_WORD = rf"{_NO_NAME}{_PARTICLES}{UPPER}{_LETTERS}"
MIXED_WORD = rf"{_NO_NAME}{_PARTICLES}{_MIXED}{UPPER}{_LETTERS}"
_INITIALS = rf"(?:{UPPER}\.[ \t]?|(?!A )(?<![\w-]){UPPER}[ \t]){{0,3}}"
_MORE = rf"(?:[ \t]{{1,8}}{_INITIALS}{MIXED_WORD}){{0,3}}"

_TITLED = rf"{_INITIALS}{_PARTICLES}{UPPER}{_LETTERS}{_MORE}"
_WHOLE = rf"{MIXED_WORD}[ \t]{{1,8}}{_INITIALS}{MIXED_WORD}{_MORE}"  # John Smith, John A. Smith
_FULL = rf"(?:{UPPER}\.?[ \t]?{_INITIALS}{MIXED_WORD}{_MORE}|{_WHOLE})"  # J. Smith as well
_CAPITALS = rf"{_NO_NAME}[A-Z]{{3,20}}[ \t]{{1,3}}{_NO_NAME}[A-Z]{{3,20}}(?!\w)"  # JOHN SMITH
_TURNED = rf"{_WORD},[ \t]{{0,3}}(?:{_WORD}|{UPPER}\b\.?)(?:[ \t]{UPPER}\b\.?)?"  # SMITH, JANE
_SINGLE = rf"(?:{_TURNED}|{_INITIALS}{_WORD}(?:[ \t]{{1,8}}{_INITIALS}{_WORD}){{0,3}})"
_SEVERAL = rf"(?:{_TURNED}|{_FULL}|{_WORD}(?:[ \t]{{1,8}}{_INITIALS}{_WORD}){{1,3}})"
_NAMED_THINGS = "".join(
    rf"(?<!(?i:\b{thing}\s))"
    for thing in ("drug", "brand", "trade", "study", "series", "protocol", "device", "file")
)
_KIN = (
    r"(?:(?:step|grand|god)?(?:mother|father|son|daughter|mum|mom|dad)|wife|husband|brother|sister"
    r"|partner|carer|caregiver|guardian|spouse|aunt|uncle|cousin|niece|nephew|next\sof\skin|friend"
    r"|neighbou?r|twin|fianc\u00e9e?|boyfriend|girlfriend|roommate|colleague)"
)
_ACTOR = (
    r"(?:patient|pat|pt|resident|fellow|registrar|interpreter|secretary"
    r"|social[ \t]worker|midwife|attending|consultant|radiologist|surgeon|gp"
    r"|(?:referring|requesting|ordering|attending|treating|consulting|family)?[ \t]?"
    r"(?:physician|doctor|clinician|provider)"
    r"|technologist|technician|radiographer|sonographer|operator|reader|reporter|author|nurse"
    r"|(?:emergency[ \t])?contact|nok|dictator|transcriptionist)"
)
_DEED = (
    r"(?:referred|requested|reported|dictated|signed|read|reviewed|seen|examined|verified|approved"
    r"|authori[sz]ed|performed|ordered|scanned|typed|transcribed|interpreted|accompanied|brought"
    r"(?:[ \t]in)?|witnessed|operated(?:[ \t]on)?|treated|assessed|checked|followed|prepared"
    r"|validated)"
)
_TITLE = (
    r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Doctor|Herr|Frau|Mme|Madame|Mlle|Mademoiselle"
    r"|Monsieur|Sra?|Srta|Se\u00f1ora?|Dra|Don|Do\u00f1a|Signora?|Rev|Reverend|Capt|Captain|Sgt"
    r"|Sergeant)\b(?:\.\s{0,8}|\s{1,8})(?:(?:med|dent|rer|nat|phil|habil|univ)\b\.?[ \t]{1,2}){0,3}"
)
_LOWER = r"[a-z\u00df-\u00ff]{3,20}(?:['\u2019-][a-z\u00df-\u00ff]{2,20})?(?!\w)"
_NO_SCAN = (
    r"(?!(?:scans?|images?|imaging|exam\w*|today|which|that|this|also|then|\w+(?:graphy|gram|tion"
    r"|ing|ity|ment))\b)"
)
_AGE_NEXT = (
    r"(?=,?[ \t]\(?(?:(?:is|was)[ \t])?(?:an?[ \t])?(?:aged?[ \t])?\d{1,3}(?:[- ]?(?:years?|yrs?"
    r"|y/?o|months?|weeks?)\b|[- ]?[MFy]\b|[,)]))"
)

PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<![\w^])[^\W\d_]{2,}+\^[^\W\d_]++(?:\^[^\W\d_]*+)*+",  # as DICOM writes: DOE^JANE
        rf"\b(?:{_TITLE}){{1,3}}{_TITLED}",
        rf"\b(?:MRS?|MS|DR|PROF)(?:\.[ \t]{{0,2}}|(?<=MRS)[ \t]|(?<=PROF)[ \t]){_NO_NAME}"
        rf"{UPPER}{{2,20}}(?:[ \t]{_NO_NAME}{UPPER}{{3,20}})?(?!\w)",
        # In lower case "mr" is a scan and "dr" a radiograph as well: a person does something.
        rf"\b(?:mrs|prof)\b\.?[ \t]{_NO_NAME}{_LOWER}",
        rf"\b(?:mr|ms|miss|dr)\b\.?[ \t]{_NO_NAME}{_NO_SCAN}{_LOWER}(?=,?[ \t](?:has|had"
        r"|wants|wanted|asks|asked|complains|complained|presents|presented|lives|smokes|reports"
        r"|reported|denies|denied|feels|called|says|said|would|is[ \t](?:an?|aged|\d)"
        r"|was[ \t](?:admitted|referred|born)"
        r"|\d{1,3}[ \t]?(?:y|m\b|f\b)))",
        rf"(?P<label>\b(?i:patient|pt|name)[ \t]?:[ \t]{{0,4}}){_NO_NAME}{_NO_SCAN}{_LOWER}[ \t]"
        rf"{_NO_NAME}{_NO_SCAN}{_LOWER}(?=,?[ \t]\d{{1,3}}[ \t]?(?:y|yo|years?|m|f)\b)",
        rf"(?P<label>\b(?:Nurse|Sister|Matron)[ \t]){_NO_EPONYM}{MIXED_WORD}(?:[ \t]{MIXED_WORD})?",
        r"(?P<label>\b(?i:(?:patient(?:'s)?|pt|full|first|last|given|family|maiden|birth)[ \t]name"
        rf"|surname|forename)(?:[ \t]?:|[ \t]is)[ \t]{{0,8}}){_SINGLE}",
        rf"(?P<label>\b(?i:my|her|his|whose)[ \t]name[ \t]is[ \t]){_SINGLE}",
        rf"(?P<label>{_NAMED_THINGS}\b(?i:name)[ \t]?:[ \t]{{0,8}}){_SEVERAL}",
        rf"(?P<label>\b(?i:{_ACTOR})\.?[ \t]?:[ \t]{{0,8}})(?:{_TURNED}|{_FULL}|{_CAPITALS})",
        # SURNAME, Given - study; the comma of a list has no dash or bar behind it.
        rf"(?m:^)[ \t]*{_NO_NAME}{UPPER}{_LETTERS},[ \t]{MIXED_WORD}(?:[ \t]{MIXED_WORD})?"
        r"(?=[ \t]+[-\u2013|/][ \t])",
        rf"(?P<label>\b(?i:{_DEED}[ \t]by)\b:?[ \t]{{1,8}}){_NO_EPONYM}"
        rf"(?:{_FULL}|{_CAPITALS}|{MIXED_WORD})",
        r"(?P<label>\b(?i:discussed[ \t]with|spoke[ \t](?:to|with)|d/w|cc|copied?[ \t]to"
        r"|care[ \t]of|informed|notified|contacted|on[ \t]behalf[ \t]of|addressed[ \t]to"
        r"|handed[ \t]to|sincerely|regards|signed|sent[ \t]to|letter[ \t](?:to|from)"
        r"|communicated[ \t]to)"
        rf"[,:]?\s{{1,4}}){_NO_EPONYM}(?:{_FULL}|{_CAPITALS})",
        rf"(?P<label>\bDear[ \t])(?!Colleague|Sir|Madam|Team|All|Doctor){MIXED_WORD}",
        rf"(?P<label>\b(?i:{_KIN})(?:['\u2019]s[ \t]name)?"
        rf"(?:[ \t](?:is|was)?[ \t]?(?:called|named))?[,:]?[ \t(]{{1,3}}){_NO_EPONYM}"
        rf"(?:{_FULL}|{MIXED_WORD}(?![ \t](?i:origin|descent)))",
        rf"(?P<label>\b(?i:named|called)[ \t]){_NO_EPONYM}{_WHOLE}",
        # Two whole words: "Patient A. Contrast" is how figures are labelled.
        rf"(?P<label>\b(?i:patient|pat|pt)\b\.?,?[ \t]{{1,8}}){_NO_EPONYM}(?:{_WHOLE}|{_CAPITALS})",
        rf"{START}{_NO_EPONYM}{_WHOLE}{_AGE_NEXT}",
        rf"{START}{_NO_EPONYM}{_WHOLE}(?=,?[ \t]\(?(?:DOB|D\.O\.B|dob|born|MRN|NHS|b\.)(?!\w))",
        rf"{START}{_NO_EPONYM}{_FULL}(?=,?[ \t](?:MD|M\.D|DO|FRCR|FRCP|MRCP|FRCS|PhD|RN"
        r"|NP|MBBS|MBChB)\b)",
        rf"{START}{_NO_EPONYM}{_WHOLE}(?=[ \t](?:presents|presented|attended|attends|complains"
        r"|complained|denies|denied|lives|smokes|works|telephoned|phoned|(?:was|has[ \t]been)"
        r"[ \t](?:admitted|referred|discharged|born|transferred))\b)",
    )
)
