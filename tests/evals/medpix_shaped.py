"""A small made-up data set in MedPix 2.0's layout: invented patients, drawn images.

Every field in which a MedPix author may name the answer holds LEAK, so that one search tells
whether such a field reached an arm.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

LEAK = "zebrafield"
NAME = "Invented Person"


@dataclass(frozen=True, kw_only=True, slots=True)
class Invented:
    """One made-up case, as its author would have written it."""

    id: str
    split: str
    title: str
    history: str
    findings: str
    age: str
    sex: str
    exam: str = "N/A"
    modality: str = "CT"
    body_part: str = "Thorax"
    organ_system: str = "Chest, Pulmonary"
    synonyms: tuple[str, ...] = ()
    broader: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    mask: tuple[str, ...] = ()
    why_not: str = ""


INVENTED: tuple[Invented, ...] = (
    Invented(
        id="SYN0001",
        split="dev",
        title="Lymphangioleiomyomatosis.",
        history="34-year-old woman,\nsecond collapsed lung. Her doctor thinks of &quot;LAM&quot;.",
        exam="Reduced breath sounds; known\r\nLymphangio-\nleiomyomatosis in a sister.",
        findings="Thin-walled round cysts evenly through both lungs. Right pneumothorax. Typical "
        "of lymphangioleiomyomatosis.",
        age="34",
        sex="female",
        synonyms=("LAM", "pulmonary LAM"),
        broader=("cystic lung disease",),
        components=("pneumothorax",),
        mask=("lymphangioleiomyomatosis", "Lymphangio-\nleiomyomatosis", "LAM"),
    ),
    Invented(
        id="SYN0002",
        split="dev",
        title="Pulmonary alveolar proteinosis",
        history="46-year-old man who smokes, breathless for a year.",
        findings="Geographic ground-glass with septal lines: crazy paving, so PROTEINOSIS.",
        age="46",
        sex="male",
        synonyms=("PAP", "alveolar lipoproteinosis"),
        broader=("interstitial lung disease",),
        mask=("proteinosis",),
    ),
    Invented(
        id="SYN0003",
        split="dev",
        title="Haemangioma of the liver",
        history="58-year-old woman, found by chance.",
        findings="Mass in segment 7 with nodular rim enhancement that fills in late.",
        age="58",
        sex="female",
        body_part="Abdomen",
        organ_system="Gastrointestinal",
        synonyms=("hepatic hemangioma", "cavernous haemangioma of the liver"),
        broader=("benign liver tumour",),
    ),
    Invented(
        id="SYN0004",
        split="dev",
        title="Chiari II malformation",
        history="9-month-old boy with a closed spinal defect. Seen for Chiari II.",
        findings="Small posterior fossa, tonsils and vermis below the foramen magnum.",
        age="0",
        sex="male",
        modality="MR",
        body_part="Head",
        organ_system="Brain and Neuro",
        synonyms=("Arnold-Chiari malformation", "Chiari malformation type 2"),
        mask=("Chiari II",),
    ),
    Invented(
        id="SYN0005",
        split="dev",
        title="Picture of the normal thymus",
        history="N/A",
        findings="Normal.",
        age="4",
        sex="N/A",
        why_not="no diagnosis",
    ),
    Invented(
        id="SYN0006",
        split="train",
        title="Idiopathic pulmonary fibrosis",
        history="71-year-old man, dry cough for two years, velcro crackles.",
        findings="Subpleural basal reticulation, traction bronchiectasis and honeycombing.",
        age="71",
        sex="male",
        synonyms=("IPF",),
        broader=("pulmonary fibrosis",),
    ),
    Invented(
        id="SYN0007",
        split="train",
        title="Sarcoidosis",
        history="29-year-old woman, painful shins and a cough.",
        findings="Symmetric hilar nodes, perilymphatic nodules in the upper lobes.",
        age="29",
        sex="female",
        synonyms=("Boeck disease",),
    ),
    Invented(
        id="SYN0008",
        split="train",
        title="Horseshoe kidney",
        history="22-year-old man, flank pain. Horseshoe\nkidneys were seen on ultrasound.",
        findings="Both lower poles fused in front of the aorta; the horseshoe kidney has a stone.",
        age="22",
        sex="male",
        body_part="Reproductive and Urinary System",
        organ_system="Genitourinary",
        mask=("Horseshoe\nkidneys", "horseshoe kidney"),
    ),
)


def write_medpix_shaped(
    folder: Path, cases: Sequence[Invented] = INVENTED, *, with_truth: bool = True
) -> Path:
    """Write the set: the three JSON files, one image a case and, if wanted, truth.jsonl.

    Returns:
        The folder.
    """
    (folder / "images").mkdir(parents=True)
    (folder / "splitted_dataset").mkdir()
    splits: dict[str, list[str]] = {"train": [], "dev": []}
    for case in cases:
        splits[case.split].append(case.id)
        _draw(folder / "images" / f"{case.id}_synpic1.png", len(splits["dev"]))
    _write(folder / "Case_topic.json", [_case_topic(case) for case in cases])
    _write(folder / "Descriptions.json", [_description(case) for case in cases])
    _write(folder / "splitted_dataset" / "uid_list.json", splits)
    if with_truth:
        lines = [json.dumps(_truth(case)) for case in cases]
        (folder / "truth.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _case_topic(case: Invented) -> Mapping[str, object]:
    return {
        "U_id": case.id,
        "TAC": [f"{case.id}_synpic1"] if case.modality == "CT" else [],
        "MRI": [f"{case.id}_synpic1"] if case.modality == "MR" else [],
        "Case": {
            "Title": case.title,
            "History": case.history,
            "Exam": case.exam,
            "Findings": case.findings,
            "Differential Diagnosis": f"{LEAK} {case.title}",
            "Case Diagnosis": f"{case.title} {LEAK}",
            "Diagnosis By": LEAK,
            "Treatment & Follow Up": LEAK,
            "Discussion": f"{LEAK} {case.title}",
        },
        "Topic": {
            "Title": f"{LEAK} {case.title}",
            "Disease Discussion": LEAK,
            "ACR Code": LEAK,
            "Category": LEAK,
        },
    }


def _description(case: Invented) -> Mapping[str, object]:
    return {
        "Type": case.modality,
        "U_id": case.id,
        "image": f"{case.id}_synpic1",
        "Description": {
            "ACR Codes": LEAK,
            "Age": case.age,
            "Caption": f"{LEAK} {case.title}",
            "Figure Part": None,
            "Modality": f"{case.modality} {LEAK}",
            "Plane": "Axial",
            "Sex": case.sex,
        },
        "Location": case.organ_system,
        "Location Category": case.body_part,
    }


def _truth(case: Invented) -> Mapping[str, object]:
    return {
        "U_id": case.id,
        "primary": case.title.rstrip("."),
        "synonyms": case.synonyms,
        "broader": case.broader,
        "components": case.components,
        "kind": "disease",
        "scoreable": not case.why_not,
        "why_not": case.why_not,
        "mask": case.mask,
        "note": "",
    }


def overlaid(image: Image.Image, *, is_cut: bool = False) -> Image.Image:
    """The image as MedPix shows one: with a window setting, watermark and footer drawn over it.

    Args:
        image: Grey.
        is_cut: Cut off the right edge afterwards, through the watermark.
    """
    made = Image.new("L", (image.width, image.height + 24), 0)
    made.paste(image)
    draw = ImageDraw.Draw(made)
    draw.text((2, image.height - 18), "W 1500 : L -600", font=ImageFont.load_default(12), fill=255)
    mark = ImageFont.load_default(24)
    wide = mark.getlength("MedPix®")
    veil = Image.new("L", made.size, 0)
    ImageDraw.Draw(veil).text((image.width - 14 - wide, 0), "MedPix®", font=mark, fill=128)
    made.paste(255, mask=veil)  # half white, so that it is lighter than any ground
    for row, words in enumerate(
        (f"0b9d5c21-eeb1,Uploader : {NAME}", f"Source : {NAME},03-02-2001")
    ):
        draw.text(
            (10, image.height + 1 + 11 * row), words, font=ImageFont.load_default(9), fill=140
        )
    return made.crop((0, 0, made.width - 14 - round(wide * 0.7), made.height)) if is_cut else made


def _draw(path: Path, size: int) -> None:
    image = Image.new("L", (128, 128), 0)
    draw = ImageDraw.Draw(image)
    draw.ellipse((8, 24, 120, 104), fill=150)
    draw.ellipse((20, 36, 58, 92), fill=20)
    draw.ellipse((70, 36, 108, 92), fill=20)
    draw.ellipse((60 - size, 60 - size, 60 + size, 60 + size), fill=230)
    image.save(path)


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
