"""The floor: what is common in a region, whoever the patient is.

Plain textbook knowledge of what is seen often, in descending order. Not counted on any evaluation
set, and not to be tuned to one: an arm that reads the case has to beat this.
"""

from __future__ import annotations

from collections.abc import Mapping

from agent.case import Case
from evals.arms.arm import Arm, Choice, Named, Prediction
from evals.arms.costs import FREE

COMMON_BY_REGION: Mapping[str, tuple[str, ...]] = {
    "head": (
        "ischemic stroke",
        "intracerebral hemorrhage",
        "subdural hematoma",
        "brain metastases",
        "meningioma",
        "glioblastoma",
        "multiple sclerosis",
        "subarachnoid hemorrhage",
        "pituitary adenoma",
        "vestibular schwannoma",
    ),
    "head and neck": (
        "sinusitis",
        "squamous cell carcinoma",
        "peritonsillar abscess",
        "pleomorphic adenoma",
        "thyroid nodule",
        "thyroglossal duct cyst",
        "branchial cleft cyst",
        "cholesteatoma",
        "lymphoma",
        "paraganglioma",
    ),
    "orbit": (
        "thyroid eye disease",
        "orbital cellulitis",
        "cavernous hemangioma",
        "orbital pseudotumor",
        "optic neuritis",
        "optic nerve glioma",
        "optic nerve sheath meningioma",
        "lymphoma",
        "uveal melanoma",
        "retinoblastoma",
    ),
    "thorax": (
        "pneumonia",
        "lung cancer",
        "pulmonary metastases",
        "pulmonary embolism",
        "pulmonary edema",
        "emphysema",
        "pulmonary tuberculosis",
        "sarcoidosis",
        "idiopathic pulmonary fibrosis",
        "aortic dissection",
    ),
    "abdomen": (
        "acute appendicitis",
        "diverticulitis",
        "small bowel obstruction",
        "acute pancreatitis",
        "acute cholecystitis",
        "liver metastases",
        "colorectal carcinoma",
        "hepatic hemangioma",
        "Crohn disease",
        "hepatocellular carcinoma",
    ),
    "urinary and reproductive system": (
        "ureteral calculus",
        "renal cell carcinoma",
        "acute pyelonephritis",
        "uterine leiomyoma",
        "ovarian cyst",
        "mature cystic teratoma",
        "renal angiomyolipoma",
        "endometriosis",
        "bladder carcinoma",
        "prostate carcinoma",
    ),
    "spine": (
        "disc herniation",
        "spinal stenosis",
        "vertebral compression fracture",
        "vertebral metastases",
        "spondylolysis",
        "discitis osteomyelitis",
        "multiple sclerosis",
        "vertebral hemangioma",
        "schwannoma",
        "ependymoma",
    ),
    "musculoskeletal system": (
        "anterior cruciate ligament tear",
        "meniscal tear",
        "rotator cuff tear",
        "osteoarthritis",
        "stress fracture",
        "osteomyelitis",
        "osteochondroma",
        "avascular necrosis",
        "enchondroma",
        "lipoma",
    ),
}


def prior_arm(choice: Choice) -> Arm:
    """The constant list of the region; an empty list, so a miss, for a region without one."""

    async def predict(case: Case, seed: int) -> Prediction:
        names = COMMON_BY_REGION.get(case.region, ())
        return Prediction(diagnoses=tuple(Named(name=name) for name in names), costs=FREE)

    return Arm(predict=predict, config={"lists": dict(COMMON_BY_REGION)})
