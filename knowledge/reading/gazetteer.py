"""Words that places are named by, region by region; folded when read."""

from __future__ import annotations

from knowledge.words import fold


def _words(table: str) -> frozenset[str]:
    return frozenset(fold(word) for word in table.split())


def _phrases(table: str) -> frozenset[tuple[str, ...]]:
    return frozenset(
        tuple(fold(word) for word in phrase.split())
        for phrase in table.replace("\n", ";").split(";")
        if phrase.strip()
    )


# Before a part: "distal radius", "second metatarsal", "upper outer quadrant".
DIRECTIONS = _words("""
upper middle mid lower inner outer superior inferior anterior posterior medial lateral proximal
distal deep superficial dorsal ventral volar plantar central peripheral cranial caudal ascending
descending transverse internal external common main greater lesser first second third fourth fifth
sixth seventh eighth ninth tenth eleventh twelfth anterolateral posterolateral anteromedial
posteromedial anteroinferior anterosuperior posterosuperior posteroinferior superolateral
apicoposterior apical basal basilar horizontal vertical oblique minor major terminal parasagittal
""")

# After the name of an organ or a direction: "splenic hilum", "upper lobe". Never alone.
PARTS = _words("""
lobe segment zone apex base pole head neck body tail fundus dome hilum fossa floor roof joint artery
vein sinus cartilage bifurcation plateau condyle shaft process canal foramen cord duct gland muscle
tendon ligament nerve gyrus horn quadrant ramus wing crest tuberosity trochanter malleolus junction
flexure curvature compartment territory bronchus window recess angle fissure sheath ventricle antrum
bulb isthmus hemisphere convexity peduncle tubercle epicondyle trunk arch root capsule cistern
phalanx ganglion bone turbinate site flank tonsil vestibule pole third half aspect spine lobule
""")

# Adjectives and organs that go before a part and are no family of knowledge.reading.families.
ORGANS = _words("""
frontal parietal temporal occipital caudate lentiform petrous sphenoid sphenoidal ethmoid ethmoidal
maxillary cavernous sigmoid sagittal straight vertebral basilar subclavian brachiocephalic iliac
popliteal celiac portal femoral brachial axillary renal sacroiliac acromioclavicular
sternoclavicular temporomandibular glenohumeral tibiofemoral patellofemoral tibiotalar subtalar
radiocarpal radioulnar interphalangeal metacarpophalangeal metatarsophalangeal mtp mcp pip dip ip
tmj cmc costophrenic cardiophrenic costovertebral uncinate coronoid odontoid styloid mca aca pca
auditory ear carpal tarsal tibial ovarian uterine cricoid arytenoid cruciate collateral gluteal
psoas rectus quadriceps hamstring adductor iliopsoas lumpectomy mastectomy surgical gastroesophageal
ureterovesical ureteropelvic rectosigmoid wharton stensen suprasellar basal sylvian cerebellopontine
precentral postcentral cingulate internal left_ventricular paracolic parapharyngeal retropharyngeal
masticator parotid inguinal obturator neural lateral spinous transverse articular hepatic splenic
tricuspid mitral pulmonary bicipital intercondylar olecranon pubic sacral radial ulnar humeral
""")

# Places by themselves, by region: chest, head and neck, breast, abdomen and pelvis, spine, limbs.
PLACES = _phrases("""
lingula; apical; basal; subcarinal; paratracheal; prevascular; retrocrural; suprahilar; infrahilar
perihilar; juxtahilar; lung base; lung apex; trachea; carina; bronchus intermedius; mediastinum
chest wall; sternum; rib; clavicle; aortic root; aortic arch; ascending aorta; descending aorta
aortopulmonary window; lung bases; lung apices; apices; bases; retrosternal; cardiac apex
thalamus; thalami; putamen; caudate; pallidum; basal ganglia; internal capsule; corona radiata
centrum semiovale; corpus callosum; splenium; genu; pons; midbrain; medulla; vermis; cerebellum
brainstem; posterior fossa; insula; hippocampus; cavernous sinus; sella; clivus; skull base
petrous apex; foramen magnum; skull vertex; third ventricle; fourth ventricle; mca; aca; pca; m1; m2
m3; a1; a2; p1; p2; periventricular; frontal; parietal; temporal; occipital; frontoparietal
temporoparietal; pineal region; internal auditory canal; nasopharynx; oropharynx; hypopharynx
mandible; maxilla; mastoid; middle ear; tongue base; tongue; nasal cavity; oral cavity; vocal cord
floor of the mouth; supraglottic; infraglottic; lamina papyracea; supraclavicular; parotid tail
axilla; retroareolar; subareolar; periareolar; axillary tail; inframammary fold; nipple
caudate lobe; porta hepatis; common bile duct; uncinate process; antrum; pylorus; duodenum; jejunum
ileum; cecum; ascending colon; transverse colon; descending colon; sigmoid; rectosigmoid; rectum
hepatic flexure; splenic flexure; terminal ileum; mesenteric root; mesentery; lesser sac; omentum
paracolic gutter; pouch of douglas; morison pouch; morrison pouch; cul de sac; psoas; rectus sheath
abdominal wall; inguinal canal; lesser curvature; greater curvature; gastroesophageal junction
uvj; vuj; upj; puj; renal pelvis; interpolar region; trigone; lower uterine segment; groin
subdiaphragmatic; perisplenic; perihepatic; subhepatic; para aortic; paraaortic; retroperitoneum
sma; smv; ivc; svc; cbd; celiac trunk
cervical spine; thoracic spine; lumbar spine; thoracolumbar; lumbosacral; cervicothoracic
craniocervical junction; thoracolumbar junction; dens; odontoid process; sacrum; coccyx; conus
cauda equina; filum; cervical; lumbar; paravertebral; paraspinal
knee; hip; shoulder; elbow; wrist; ankle; foot; hand; finger; toe; thumb; hallux; heel; thigh; calf
forearm; arm; leg; buttock; femur; tibia; fibula; humerus; radius; ulna; scapula; patella; talus
calcaneus; navicular; cuboid; cuneiform; scaphoid; lunate; triquetrum; hamate; capitate; trapezium
metatarsal; metacarpal; phalanx; glenoid; acetabulum; ilium; iliac; ischium; pubis; pubic symphysis
apex; hilum; hilar; subpleural; subcortical; juxtacortical; infratentorial; supratentorial
tricuspid; globus pallidus; chiasm; left ventricle; right ventricle; left atrium; right atrium
aortic valve; mitral valve; azygos; subclavian; uncinate; isthmus; retroperitoneal; peripancreatic
presacral; precarinal; retrosternal; parasternal; costochondral junction; epidural space
gray white junction
subdural space; subarachnoid space; suprasellar; parasellar; retrobulbar; intraconal; extraconal
preseptal; parapharyngeal; submental; submandibular; posterior triangle; tracheoesophageal groove
peripheral zone; transition zone; cornu; cul; adnexa; introitus; perineum; scrotum; spermatic cord
epididymis; interspace; suprapatellar pouch; baker; prepatellar; deltoid; biceps; triceps; gluteal
piriformis; iliopsoas; adductor; hamstring; quadriceps; gastrocnemius; soleus; plantar fascia
tarsal tunnel; carpal tunnel; navicular fossa; sinus tarsi; lisfranc joint; styloid; tuberosity
achilles tendon; supraspinatus; infraspinatus; subscapularis; rotator cuff; popliteal fossa
olecranon; malleolus; trochlea; metaphysis; epiphysis; diaphysis
acl; pcl; mcl; lcl
""")
# Whole organs are places only of terms that are not of one region.
WHOLE = _phrases(
    "lung; liver; kidney; spleen; pancreas; breast; brain; stomach; bladder; uterus; heart; thyroid"
)
ACRONYMS = {
    "lul": "upper lobe", "rul": "upper lobe", "lll": "lower lobe", "rll": "lower lobe",
    "rml": "middle lobe",
}  # fmt: skip
