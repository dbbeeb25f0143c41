"""Patterns of identifiers but names: dates, numbers, addresses, places, institutions.

Each is linear in the text's length: runs that may be long are possessive (`++`, `*+`), scanned once
and never given back, and everything else is bounded. What stands in a group "label" stays, so that
the sentence still reads. Years alone, times of day, countries and measurements stay.
"""

from __future__ import annotations

import re

from tools.person_names import MIXED_WORD, START, UPPER

_MONTH = (
    r"(?:[Jj]an(?:uary)?|[Ff]eb(?:ruary)?|[Mm]ar(?:ch)?|[Aa]pr(?:il)?|[Mm]ay|[Jj]une?|[Jj]uly?"
    r"|[Aa]ug(?:ust)?|[Ss]ept?(?:ember)?|[Oo]ct(?:ober)?|[Nn]ov(?:ember)?|[Dd]ec(?:ember)?"
    r"|JAN(?:UARY)?|FEB(?:RUARY)?|MAR(?:CH)?|APR(?:IL)?|MAY|JUNE?|JULY?|AUG(?:UST)?"
    r"|SEPT?(?:EMBER)?|OCT(?:OBER)?|NOV(?:EMBER)?|DEC(?:EMBER)?)(?![a-z])"
)
_CAPITAL_MONTH = rf"(?=[A-Z]){_MONTH}"  # "12 may 3 mm" is a verb
_FOREIGN_MONTH = (  # German, French, Spanish, Italian
    r"(?i:j[a\u00e4]n(?:uar|vier)|januar|februar|m\u00e4rz|mai|juni|juli|oktober|dezember|f[e\u00e9]vrier"
    r"|mars|avril|juin|juillet|ao[u\u00fb]t|septembre|octobre|novembre|d[e\u00e9]cembre|enero|febrero"
    r"|marzo|abril|mayo|junio|julio|agosto|sept?iembre|octubre|noviembre|diciembre|gennaio|febbraio"
    r"|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre|april|august|september|november)(?!\w)"
)
_WEEKDAY = r"(?:Mon|Tues?|Weds?|Thu|Thurs?|Fri|Sat|Sun)(?:[a-z]{3,6})?\.?,?"
_ORDINAL = r"(?:st|nd|rd|th)?"
_YEAR = r"(?:19|20)\d\d(?!\d)"
_NO_UNIT = (
    r"(?!\d|[.,]\d|[ \t]?(?:mm|cm|mg|ml|kg|%|x\b|\u00d7|HU|mSv|mGy|months?|years?|weeks?|days?))"
)

_DATES = (
    r"\b\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:T\d{2}:\d{2}(?::\d{2})?)?\b",
    # Not in a chain such as a blood count, 8/98/27/12.
    r"(?<![\d./-])\d{1,2}([-/.])\d{1,2}\1(?:\d{4}|\d{2})\b(?![-/]\d)",
    rf"\b\d{{1,2}}(?:\.|er|\u00ba|o)?[ \t](?:de[ \t])?{_FOREIGN_MONTH}"
    rf"(?:[ \t](?:del?[ \t])?{_YEAR})?",
    rf"(?P<label>\b(?i:im|en|in|seit|depuis|desde|ab|bis|dal)[ \t]){_FOREIGN_MONTH}"
    rf"(?:[ \t](?:de[ \t])?{_YEAR})?",
    rf"(?P<label>\b{_WEEKDAY}[ \t](?:the[ \t])?)[0-3]?\d/[0-3]?\d(?![/\d])",
    r"(?P<label>\b(?i:on|for|until|till|by|from|since)[ \t]the[ \t])(?:[12]?\d|3[01])"
    r"(?:st|nd|rd|th)(?=[.,;)]|\s*$|[ \t](?i:at|of[ \t](?:this|last|next)))",
    rf"\b{_CAPITAL_MONTH}\.?(?:/|[ \t]{{0,2}}[-\u2013][ \t]{{0,2}}){_CAPITAL_MONTH}\.?"
    rf"(?:,?[ \t]{{1,3}}{_YEAR})?",
    rf"(?P<label>\b(?i:between)[ \t]){_CAPITAL_MONTH}[ \t](?:and|to)[ \t]{_CAPITAL_MONTH}",
    rf"\b\d{{1,2}}{_ORDINAL}(?:\s{{1,8}}|[-/.])(?:of\s)?{_MONTH}\.?,?(?:\s{{1,8}}|[-/])'?{_YEAR}",
    rf"\b{_MONTH}\.?\s{{1,8}}\d{{1,2}}{_ORDINAL},?\s{{1,8}}{_YEAR}",
    rf"\b\d{{1,2}}{_ORDINAL}(?:[ \t]{{1,3}}|[-/])?(?:of[ \t])?{_CAPITAL_MONTH}\.?"
    r"(?:,?(?:[ \t]{1,3}|[-/])?['\u2019]?(?:\d{4}|\d{2}(?=\s*+(?:[.,;:)]|$)))(?!\d))?",
    rf"\b{_CAPITAL_MONTH}\.?[ \t]{{1,3}}\d{{1,2}}{_ORDINAL}{_NO_UNIT}(?:,?[ \t]{{1,3}}{_YEAR})?",
    rf"\b{_MONTH}\.?,?(?:\s{{1,8}}(?:of\s)?|[-/])(?:{_YEAR}|['\u2019]\d\d\b)",
    r"(?<![\d./-])(?:0?[1-9]|1[0-2])[/.-](?:19|20)\d\d(?![./-]?\d)",
    r"(?<![\d./-])(?:19|20)\d\d[/-](?:0[1-9]|1[0-2])(?![./-]?\d)",
    r"(?P<label>\b(?i:in|since|until|till|by|from|during|last|next|this|early|late|mid|end\sof"
    rf"|beginning\sof)[ \t-]{{1,2}}){_CAPITAL_MONTH}(?!\w|\.?[ \t]\d)\.?(?![ \t]fracture)",
)

_VALUE = r"[A-Za-z]{0,4}[-/]?\d[\w/-]{2,}+(?:[ \t-]\d{3,4}){0,2}(?![.,]?\d)"
_NUMBERS = (
    # DICOM UIDs and network addresses, before dates see parts of them.
    r"(?<![\w.])[0-2](?:\.\d{1,64}){4,}+",
    r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])",
    # A record or accession number keeps its label.
    r"(?P<label>\b(?i:MRN|CHI|SSN|URN|PID|UMRN)\b\.?(?:[ \t](?i:is|no|number)\b\.?)?[\s:#]*+)"
    rf"{_VALUE}",
    r"(?P<label>\b(?i:accession|acc|patient|pat|hospital|hosp|unit|record|medical\srecord|chart"
    r"|account|policy|insurance|passport|licen[cs]e|nhs|social\ssecurity|case|study|exam|order"
    r"|request|episode|visit|specimen|sample|health\scard|medicare|medicaid|member|national|file"
    r"|record|reg(?:istration)?|booking|ticket|docket|serial|tracking|reference|versicherten"
    r"|versicherungs|fall|patienten)\b\.?[ \t-]{0,3}"
    r"(?:(?i:id(?:entifier)?|no|num(?:ber|mer)?|nr|ref(?:erence)?|locator)\b\.?|\#)"
    r"(?:[ \t]is\b)?\s*+[:#]?\s*+)"
    rf"{_VALUE}",
    rf"(?P<label>\b(?i:accession|acc|ssn|passport|nhs)\b\.?\s*+[:#]?\s*+){_VALUE}",
    rf"(?P<label>\b(?i:locator|aktenzeichen)[ \t]?[:#]?[ \t]{{0,2}}){_VALUE}",
    rf"(?P<label>\b(?:ID|Id)\b[ \t]?[:#]?\s*+){_VALUE}",
    r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])",
    r"(?<![\w-])[A-Z]{2,4}-\d{2,4}-\d{3,}+(?![\w-])",
    r"(?<![\w-])[A-Z]{1,3}\d{2}[-/]\d{4,7}(?!\w)",
    r"(?<![\w.-])(?:[A-Z]{1,3}\d?-\d{4,}+|\d{4,}+-\d{2,}+)-[A-Z\d]{1,6}(?!\w)",
)
_CONTACTS = (
    r"(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)+",
    r"\b(?i:https?|ftp|file)://[^\s<>\"')\]]++",
    r"\b(?i:www)\.[^\s<>\"')\],]++",
    r"(?<![\w.@/-])(?:[a-z][a-z\d-]{1,40}\.){2,4}"
    r"(?:com|org|net|edu|gov|info|health|local|lan|intern|example|uk|de|fr|es|nl|ch|ca|au|nz|ie|eu)\b"
    r"(?:/[^\s<>\"')\],]*+)?",
    r"(?<![\w.])\+\d[\d\s().-]{7,22}\d\b",
    r"(?<![\w.])\(?\d{3,5}\)?[\s.-]\d{3,4}[\s-]\d{3,4}\b",
    r"(?<![\w.])\d{3}\.\d{3}\.\d{4}\b",
    r"(?<![\w.])\(?0\d{3,4}\)?[ \t-]\d{5,7}\b",
    r"(?<![\w.])0\d(?:[ .-]\d{2}){4}\b",
    r"(?<![\w.])\(?0\d\)?[ -]\d{4}[ -]\d{4}\b",
    r"(?P<label>\b(?i:tel|telephone|phone|mobile|cell\sphone|fax|ext|extension|bleep|page|pager|beeper"
    r"|call(?:ed)?|ring|contact)\b\.?(?:[ \t](?i:no|number|him|her|them|us|me|on|at|is)\b\.?){0,2}"
    r"[ \t]?[:#]?[ \t]{0,3})(?=(?:\D{0,2}\d){4})\(?\+?\d[\d ().-]{2,20}\d\b",
    # Identifiers: six digits and more in one run; no measurement has as many.
    r"(?<![\w.])[A-Z]{0,4}-?\d{6,}+(?![\d.]*+\s*+(?:/|cells|copies|IU|U/|mm))\b",
)

_CAPITAL = rf"(?:{UPPER}[\w'\u2019-]*+|{UPPER}\.)"
_STREET_KIND = (
    r"(?:Street|St|Road|Rd|Lane|Ln|Avenue|Ave|Drive|Dr|Close|Court|Ct|Crescent|Cres|Square|Sq"
    r"|Terrace|Way|Boulevard|Blvd|Place|Pl|Gardens|Grove|Hill|Row|Mews|Parade|Highway|Hwy"
    r"|Parkway|Pkwy|Circle|Walk|Rise|Quay|Broadway)\b\.?"
)
_POSTCODE = (
    r"(?:(?:[BEGLMNSW]|[A-Z]{2})\d[A-Z\d]?[ ]\d[ABD-HJLNP-UW-Z]{2}(?!\w)"
    r"|(?!T\dN)[ABCEGHJ-NPRSTVXY]\d[A-Z][ ]\d[A-Z]\d(?!\w))"
)
_STATE = (
    r"(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]"
    r"|T[NX]|UT|V[AT]|W[AIVY])"
)
_TOWN = (
    rf"(?:(?:,[ \t]|,?[ \t](?:in|\d{{4,5}})[ \t]){MIXED_WORD}(?:[ \t]{MIXED_WORD}){{0,2}}){{0,2}}"
)
_ZIP = rf"(?:,?[ \t](?:{_POSTCODE}|(?:{_STATE}[ \t])?\d{{5}}(?:-\d{{4}})?(?!\w)))?"
_INSTITUTION = (
    r"(?:Hospitals?|Infirmary|Clinic|Polyclinic|Hospice|Sanatorium|Sanitarium"
    r"|(?:Medical|Health|Cancer|Heart|Imaging|Diagnostic|Trauma|Healthcare)[ \t]Cent(?:er|re)"
    r"|Cent(?:er|re)[ \t]Hospital|NHS(?:[ \t]Foundation)?[ \t]Trust|Nursing[ \t]Home|Care[ \t]Home"
    r"|Klinikum|Krankenhaus|Spital|Charit\u00e9"
    r"|(?:(?:Primary|Secondary|High|Grammar|Elementary|Middle)[ \t])?School|College|Academy"
    r"|University|Prison|Barracks|Shipyard|Colliery|Foundry)\b"
)
# Kinds of hospital and clinic, which name none.
_KIND_OF_PLACE = (
    r"(?!(?i:the|this|that|our|a|an|at|in|to|from|local|another|general|district|regional"
    r"|university|teaching|community|outside|referring|tertiary|day|out-?patient\w*|in-?patient\w*"
    r"|respiratory|pulmonary|cardi\w+|oncology|h(?:a)?ematology|neuro\w+|rheumatology|surgical"
    r"|breast|tb|tuberculosis|asthma|copd|sleep|pain|memory|renal|liver|fracture|eye|skin|dental"
    r"|vascular|genetics?|transplant|psychiatric|rehabilitation|children'?s|women'?s"
    r"|nodule|chest|lung|walk-?in|urgent|primary|family|follow-?up|pre-?op\w*|private|public"
    r"|veterans?|military|known|admitted|transferred|referred|seen|previous\w*)\b"
    rf"(?:[ \t](?:{UPPER}[\w'\u2019-]*+[ \t]){{0,2}})?{_INSTITUTION})"
)
_PLACES = (
    rf"\b(?:(?i:flat|apt|apartment|unit|suite)\.?[ \t]\d{{1,5}}[A-Za-z]?,?[ \t])?"
    rf"\d{{1,5}}[A-Za-z]?,?[ \t](?:{_CAPITAL}[ \t]){{1,3}}{_STREET_KIND}{_TOWN}{_ZIP}",
    rf"\b\d{{1,4}}[a-z]?,?[ \t](?:rue|avenue|boulevard|quai|allée)[ \t](?:(?:de|du|des|la|le)[ \t]"
    rf"){{0,2}}{_CAPITAL}{_TOWN}",
    rf"{START}[\w-]{{1,40}}(?:straße|strasse|str\.|gasse|allee|platz|weg|ring|damm|ufer|steig)"
    rf"[ \t]\d{{1,4}}[a-z]?\b{_TOWN}",
    rf"\b(?:ul\.|ulica|[Vv]iale?|[Cc]alle|rua|piazza|[Aa]venida)[ \t]{_CAPITAL}(?:[ \t]{_CAPITAL})?"
    rf"[ \t,]{{1,2}}\d{{1,4}}[a-z]?\b(?![ \t]?(?:mm|cm|mg|ml|F\b|Fr\b|G\b)){_TOWN}",
    r"\b(?i:p\.?\s?o\.?\s?box)[ \t]\d{1,6}\b",
    rf"(?<![\w-]){_POSTCODE}",
    rf"(?<!\w){_STATE}[ \t]\d{{5}}(?:-\d{{4}})?(?!\w)",
    r"(?P<label>\b(?i:zip|postcode|post\scode|postal\scode|zip\scode)[ \t]?:?[ \t]{0,2})"
    r"[A-Z\d]{2,5}(?:[ -][A-Z\d]{3,4})?(?!\w)",
    r"(?P<label>\b(?i:lives?|living|resid(?:es?|ing)|resident|born|grew\sup|raised|moved|comes"
    r"|originally|native|works?|working)[ \t](?:(?i:alone|with\s\w+|now|near|close)[ \t])?"
    r"(?i:in|at|of|from|to|near)[ \t](?:(?i:the|central|north|south|east|west|greater)[ \t])?)"
    rf"{MIXED_WORD}(?:[ \t](?:(?:upon|on|of|de|la|le)[ \t])?{MIXED_WORD}){{0,2}}"
    rf"(?:,[ \t](?:{_STATE}\b|{MIXED_WORD}))?",
    rf"{START}{_KIND_OF_PLACE}(?:{_CAPITAL}[ \t](?:(?:of|and|the|de|&)[ \t]){{0,2}}){{1,5}}"
    rf"{_INSTITUTION}(?:[ \t](?:of|in|at)[ \t]{MIXED_WORD}(?:[ \t]{MIXED_WORD})?)?",
    r"(?<![\w-])[A-Z][\w.-]{1,40}-(?:Krankenhaus|Klinik|Klinikum|Hospital|Spital|Stift)\b"
    rf"(?:[ \t](?:in[ \t])?{MIXED_WORD})?",
    rf"(?P<label>\b(?:H\u00f4pital|Cl\u00ednica|Clinique|Uniklinik|Universit\u00e4tsklinikum|Klinik"
    r"um|CHU|HMP)[ \t](?:(?:de|del|du|des|la|le|am|in|der|rechts|links)[ \t]){0,3})"
    rf"{MIXED_WORD}(?:[ \t]{MIXED_WORD})?",
    rf"(?P<label>\b(?i:wohnhaft[ \t]in|wohnt[ \t]in|aus|natural[ \t]de|habite[ \t]\u00e0"
    rf"|n\u00e9e?[ \t]\u00e0)[ \t])(?!Sicht){MIXED_WORD}",
    rf"(?P<label>\b(?i:n\u00e9e?)[ \t]le[ \t]\[removed\][ \t]\u00e0[ \t]){MIXED_WORD}",
    rf"(?P<label>(?<=[\d\]]),[ \t])\d{{5}}[ \t]{MIXED_WORD}",
    rf"\b(?:Hospital|Infirmary|Clinic|Klinikum)[ \t](?:of|de|del|San|Santa|Saint|St\.?)[ \t]"
    rf"(?:{_CAPITAL}[ \t]?){{1,3}}(?<![ \t])",
    rf"\bSt\.?[ \t]{MIXED_WORD}['\u2019]s?(?!\w)"
    r"(?!['\u2019\w]*+[ \t](?i:disease|syndrome|fire))",
)  # fmt: skip

PATTERNS = tuple(
    re.compile(pattern) for pattern in (*_NUMBERS[:2], *_PLACES, *_DATES, *_NUMBERS[2:], *_CONTACTS)
)
