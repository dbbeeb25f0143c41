"""Words that say the same in another form: "renal" and "kidney", "dilated" and "dilatation".

One line a family; its first word is the key that the others are compared by. A family never joins
words that a radiologist would choose between: a cyst is not cystic, a nodule not nodular.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from knowledge.words import fold

_PARTS_OF_THE_BODY = """
lung pulmonary; liver hepatic; kidney renal; spleen splenic; pancreas pancreatic; stomach gastric
bowel intestinal intestine enteric; colon colonic; rectum rectal; appendix appendiceal appendicular
esophagus esophageal; duodenum duodenal; jejunum jejunal; ileum ileal; cecum cecal; sigmoid
bile biliary; gallbladder; bladder; ureter ureteral ureteric; urethra urethral; prostate prostatic
uterus uterine uteri; ovary ovarian; adnexa adnexal; testis testicle testicular testes teste
epididymis epididymal; scrotum scrotal; vagina vaginal; vulva vulvar; penis penile; cervix
endometrium endometrial; myometrium myometrial; placenta placental; fetus fetal fetuse
breast mammary; axilla axillary; nipple; larynx laryngeal; pharynx pharyngeal; trachea tracheal
bronchus bronchial bronchi; pleura pleural; mediastinum mediastinal; hilum hilar hila hilus
pericardium pericardial; heart cardiac; myocardium myocardial; aorta aortic; atrium atrial atria
ventricle ventricular; valve valvular; chest thorax; diaphragm diaphragmatic hemidiaphragm
peritoneum peritoneal; retroperitoneum retroperitoneal; omentum omental; mesentery mesenteric
abdomen abdominal; pelvis pelvic; groin inguinal; adrenal suprarenal; umbilicus umbilical
urachus urachal; cerebellum cerebellar; pons pontine pon; midbrain mesencephalic
thalamus thalami thalamic; hypothalamus hypothalamic; hippocampus hippocampal hippocampi
putamen putaminal putamina; pallidum pallidal pallidus; caudate; insula insular; cerebral cerebrum
cortex cortical cortices cortice; meninx meningeal meninges meninge; leptomeninges leptomeningeal
dura dural; sulcus sulci sulcal; gyrus gyri gyral; sella sellar; pituitary hypophyseal
callosum callosal; orbit orbital; retina retinal; cochlea cochlear; nose nasal; tongue lingual
palate palatal; mandible mandibular; maxilla maxillary; tooth teeth dental; tonsil tonsillar
calvarium calvarial calvaria; spine spinal; vertebra vertebral vertebrae; disc disk discal
sacrum sacral; coccyx coccygeal; rib costal; sternum sternal; clavicle clavicular
scapula scapular; humerus humeral; radius radial; ulna ulnar; femur femoral femora; tibia tibial
fibula fibular; patella patellar; talus talar; calcaneus calcaneal; carpus carpal; tarsus tarsal
metacarpus metacarpal; metatarsus metatarsal; phalanx phalangeal phalanges phalange
epiphysis epiphyseal epiphyses epiphyse; metaphysis metaphyseal metaphyses metaphyse
diaphysis diaphyseal diaphyses diaphyse; physis physeal; acetabulum acetabular acetabula
ilium iliac; ischium ischial; pubis pubic; meniscus meniscal menisci; labrum labral
ligament ligamentous; tendon tendinous; cartilage cartilaginous; synovium synovial; bursa bursal
fascia fascial; skin cutaneous; subcutis subcutaneous; muscle muscular; bone bony osseous ossi
mamillary mammillary; carotid; thyroid; parathyroid; parotid; submandibular; salivary; jugular
brain; brainstem; skull; facet; cord; tentorium tentorial; falx falcine; clivus clival
epiglottis epiglottic; subarachnoid; ganglion ganglia; peduncle; choroid choroidal
implant; graft; stent; catheter; prosthesis prosthetic
joint; knee; hip; shoulder; elbow; wrist; ankle; foot; hand; finger; toe; neck; sinus sinuses
gland; nerve neural; globe eye ocular eyeball; optic; cochlear; mastoid; lymph
""".replace("\n", ";")

# Parts that many organs have: they tell nothing of where.
_COMMON_PARTS = """
wall mural; artery arterial; vein venous; vessel vascular; duct ductal ductus; node nodal
lobe lobar; capsule capsular; parenchyma parenchymal; body; surface; margin; border; edge
space; tissue; fat; lumen luminal; root; head; tail; tip; base; apex apical apices apice
segment segmental; septum
""".replace("\n", ";")

_WHAT_IS_SEEN = """
dilatation dilated dilation dilate; distension distended distention; ectasia ectatic
thickening thickened thick thicker; thinning thinned thin; enlargement enlarged enlarging large big
swelling swollen; enhancement enhancing enhance enhanced; calcification calcified calcific calcify
calcifying calcium; hyperintensity hyperintense bright brightness; hypointensity hypointense dark
density dense; hyperdensity hyperdense hyperattenuating hyperattenuation
hyperechoic echogenic hyperechogenic; hypoechoic hypoechogenic
hypodensity hypodense hypoattenuating hypoattenuation
atrophy atrophic atrophied; stenosis stenotic stenosed stenoses stenose narrowing narrowed narrow
occlusion occluded occlusive occluding; obstruction obstructed obstructive obstructing
erosion eroded erosive eroding; destruction destroyed destructive destroying
displacement displaced displacing; deviation deviated deviating; shift shifted; bowing bowed
compression compressed compressing; collapse collapsed; fracture fractured; dislocation dislocated
subluxation subluxed subluxated; rupture ruptured; tear torn; avulsion avulsed; fusion fused
herniation herniated hernia herniating; protrusion protruding protruded; bulge bulging
depression depressed; elevation elevated raised; invasion invaded invading invasive
infiltration infiltrated infiltrating infiltrative; extension extending; encasement encased encasing
engorgement engorged; opacity opacification opacified; lucency lucent radiolucency radiolucent
sclerosis sclerotic; lysis lytic osteolytic osteolysis; necrosis necrotic necrosed
hemorrhage hemorrhagic bleeding bleed; edema edematous; inflammation inflamed inflammatory
stranding stranded; ulcer ulceration ulcerated; spiculation spiculated; lobulation lobulated
septation septated septate; loculation loculated; cavitation cavitary cavitating cavitated cavitate
fibrosis fibrotic; scar scarring scarred; consolidation consolidated consolidative
atelectasis atelectatic atelectases atelectase; bronchiectasis bronchiectatic bronchiectase
emphysema emphysematous; aneurysm aneurysmal; thrombus thrombosis thrombosed thrombi thrombotic clot
clotted;embolus emboli embolism embolic; infarct infarction infarcted; ischemia ischemic
duplication duplicated; rotation rotated; distortion distorted; effacement effaced; blurring blurred
flattening flattened flat; tortuosity tortuous; beading beaded; irregularity irregular
widening widened wide; shortening shortened short; loss lost; straightening straightened
angulation angulated; expansion expanded expansile expanding; remodeling remodeled
scalloping scalloped; resorption resorbed; degeneration degenerative degenerated
retraction retracted retracting; leak leakage; extravasation extravasated
perforation perforated; restriction restricted; mass tumor; gas air
stone calculus calculi lithiasis
lymphadenopathy adenopathy; hypertrophy hypertrophic hypertrophied; cyst; effusion; nodule; lesion
multiple many several numerous; solitary single; bilateral bilaterally
symmetric symmetrical; demineralization demineralized; ossification ossified ossify
decreased reduced diminished; hypoplasia hypoplastic; dysplasia dysplastic
hyperplasia hyperplastic; aplasia aplastic; torsion torsed twisted twisting twist; defect; signal
mineralization mineralized; hematoma; abscess; collection; fluid; plaque; varix varices varice
diverticulum diverticula; polyp; fistula; osteophyte; hyperemia hyperemic; fissure fissured
granuloma granulomata; metastasis metastases metastatic metastase; contusion contused; spasm
""".replace("\n", ";")

# What a segment may be about; by the folded word, since "dilated" and "thin-walled" only describe.
_NAMES = """
abnormality abscess adenopathy agenesis aneurysm angulation ankylosis anomaly ascites asymmetry
atelectasis atrophy avulsion beaking bleed bleeding blood blush bowing bronchiectasis bronchogram
bulge calcification calculus calculi cardiomegaly cavitation clot collapse collateral collection
compression congestion consolidation constriction contusion crowding cuffing cyst debris deformity
defect degeneration dehiscence demineralization deposit depression destruction detachment deviation
dilatation dilation discontinuity dislocation displacement disruption distension distention
distortion diverticulum diverticula diverticulosis duplication dysplasia ectasia edema effacement
effusion elevation embolus emphysema encasement engorgement enhancement enlargement erosion
exostosis expansion extension extravasation extrusion fistula flattening fluid foci focus fracture
fragment fusion gallstone granuloma haziness hematoma hemorrhage hepatomegaly hernia herniation
honeycombing hydrocephalus hydronephrosis hyperdensity hyperintensity hypodensity hypointensity
hypertrophy impaction infarct infarction infiltrate infiltration inflammation injury interruption
intussusception invasion irregularity laceration leak lesion lipoma lucency lymphadenopathy
malformation mass metastasis metastases microcalcification mineralization narrowing necrosis
neoplasm nodule nodularity obliteration obstruction occlusion opacification opacity ossification
osteolysis osteopenia osteophyte perforation phlebolith plaque pneumatosis pneumothorax polyp
prolapse proliferation protrusion pseudoaneurysm pseudocyst reaction reflux regurgitation remodeling
resorption restriction retraction rupture scalloping scar scarring sclerosis septation sequestrum
shadowing shift signal splenomegaly spur stenosis stone stranding stricture subluxation swelling
syrinx tear thickening thinning thrombosis thrombus trapping tumor ulcer ulceration uptake varix
varices vegetation void wasting wedging widening
"""


def _families(table: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in table.split(";"):
        words = [fold(word) for word in line.split()]
        if not words:
            continue
        found.update(dict.fromkeys(words, words[0]))
    return found


_KEYS = {
    **_families(_WHAT_IS_SEEN), **_families(_COMMON_PARTS), **_families(_PARTS_OF_THE_BODY)
}  # fmt: skip

FINDINGS = frozenset(fold(word) for word in _NAMES.split())
# What a finding may be a property of: "mass with shadowing" is a shadowing mass.
LESIONS = frozenset({"mass", "lesion", "nodule", "cyst", "collection", "node", "abscess"})
ANATOMY = frozenset(_families(_PARTS_OF_THE_BODY).values())
SEEN = frozenset(_families(_WHAT_IS_SEEN).values())
COMMON_PARTS = frozenset(_families(_COMMON_PARTS).values())
# Words that say others too but are not said by them: not every neck is part of the uterus.
ALSO: Mapping[str, tuple[str, ...]] = {
    "cervix": ("cervical",), "both": ("bilateral",), "nipple": ("breast",),
    "hippocampus": ("brain",), "callosum": ("brain",), "thalamus": ("brain",),
    "lul": ("upper", "lobe", "lung"), "rul": ("upper", "lobe", "lung"),
    "lll": ("lower", "lobe", "lung"), "rll": ("lower", "lobe", "lung"),
    "rml": ("middle", "lobe", "lung"), "lingula": ("lung",),
    "mca": ("middle", "cerebral", "artery"), "aca": ("anterior", "cerebral", "artery"),
    "pca": ("posterior", "cerebral", "artery"), "ica": ("internal", "carotid", "artery"),
    "m1": ("middle", "cerebral", "artery", "intracranial"),
    "m2": ("middle", "cerebral", "artery", "intracranial"),
    "sma": ("superior", "mesentery", "artery"), "smv": ("superior", "mesentery", "vein"),
    "ivc": ("inferior", "vena", "cava"), "svc": ("superior", "vena", "cava"),
    "cbd": ("common", "bile", "duct"), "acl": ("anterior", "cruciate", "ligament"),
    "pcl": ("posterior", "cruciate", "ligament"), "mcl": ("medial", "collateral", "ligament"),
    "uvj": ("ureterovesical", "junction", "ureter"),
    "vuj": ("ureterovesical", "junction", "ureter"),
    "upj": ("ureteropelvic", "junction", "ureter"),
    "puj": ("ureteropelvic", "junction", "ureter"),
    "lad": ("lymphadenopathy",), "ln": ("lymph", "node"), "gb": ("gallbladder",),
    "ett": ("endotracheal", "tube"), "ngt": ("nasogastric", "tube"), "ptx": ("pneumothorax",),
    "avm": ("arteriovenous", "malformation"), "sah": ("subarachnoid", "hemorrhage"),
    "sdh": ("subdural", "hematoma"), "edh": ("epidural", "hematoma"),
    "ggo": ("ground", "glass", "opacity"), "dvt": ("deep", "vein", "thrombus"),
}  # fmt: skip
_PLURAL = ("sse", "che", "she", "xe")  # what folding leaves of "masses" and "branches"
_ADVERB = {"ally": "al", "usely": "use", "nally": "nal", "orly": "or", "rically": "ric"}


@lru_cache(maxsize=65536)
def key(form: str) -> str:
    """The word that a folded word is compared by.

    "hepatic" and "liver" have one key; a word of no family is its own, without the adverb's -ly.
    """
    if form in _KEYS:
        return _KEYS[form]
    if form.endswith(_PLURAL):
        return key(form[:-1])
    for ending, short in _ADVERB.items():
        if form.endswith(ending) and len(form) > len(ending) + 3:
            return _KEYS.get(form[: -len(ending)] + short, form[: -len(ending)] + short)
    return form
