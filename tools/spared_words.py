"""Capitalised words that are no names of patients: headings, eponyms, peoples, places.

`bare_names` takes two capitalised words for a person unless one of them stands here. The lists are
of the language of radiology reports, not of any one text: a person who is called as an eponym or a
word is missed, which docs/privacy.md says.
"""

from __future__ import annotations

# Endings of medical and common words that names seldom have.
SPARED_ENDINGS = (
    "tion", "tions", "sion", "sions", "ment", "ments", "ness", "ity", "ities", "ical", "ular",
    "ural", "eral", "ious", "eous", "uous", "enous", "genous", "ative", "itive", "ctive", "nary",
    "ulary", "atory", "itis", "osis", "oses", "iasis", "oma", "omas", "omata", "emia", "aemia",
    "uria", "pathy", "graphy", "gram", "grams", "graph", "graphs", "scopy", "ectomy", "otomy",
    "ostomy", "plasty", "ology", "ologist", "ologists", "iatric", "ectasis", "pnea", "pnoea",
    "algia", "plegia", "cillin", "mycin", "floxacin", "azole", "olol", "sartan", "statin",
    "coccus", "cocci", "bacter", "bacteria", "bacterium", "myces", "virus", "viral", "oxide",
    "plasia", "plasm", "trophy", "tropic", "genic", "logic", "lytic", "thorax", "cardiac",
    "cardial", "pleural", "ening", "aging", "matic", "natal", "minal", "amide", "prine", "zepam",
    "mab", "tinib", "xaban", "pril",
)  # fmt: skip

_REPORT = """
a able abnormal about above abscess absent access accessory achieved acid acids acoustic acquired
across actionable acute add added address administered admit adolescent adult adverse advice
aerated after again against age aged agent ago air airflow airway airways alert algorithm all
allergies allergy almost along already also although aluminum always an analyses analysis anatomic
anatomy and anesthesia aneurysm angina angio angle anisotropy ankle annual anomalous anterior
antigen any aorta aortic aorto aperture apex appearances applicator approved approximate apr arc
arch arcuate are area arm arterial arteries artery artificial as ascites aside asks asthma at
atrial atrium attached attending attenuator attn attributes audio auditory aug august author
automated autumn away axial axilla axillary axis back background bag ball balloon barium basal
base based baseline basic basis bath be beam beats because bed been before begin behind being
below benign beside best beta better between bicycle big biometry biopsies biopsy biplane black
bladder bleeding block blood blunt board bodies body bolus bone bones border both bounding bowel
box brachytherapy brain branch breast breath bridge brief bronchi bronchial broncho bronchus
bruising bulk but by calcified calcium call called camera can cancer capillary carbon carcinoid
card cardiothoracic care carotid cartilage case cases category catheter caudate cause causes cava
cc cell cells center centerline central centre century cerebellar cerebral chamber change changed
changes characteristic characteristics charge chart check checked chemistry chest child childhood
choline christmas chronic circumference cisterna clean clear clearance clears click clinic close
clot cluster coarse code coefficient coil cold colon colonial color colour combined come coming
committee common compared comparison complaint complete complex component composite concern cone
configured confirm confocal consider contact container content contents contracta contrast control
convex coordinate copied copy cor cord cordially core cornea coronal corrected correlate cortex
costal cough could count counts course crackles cranium creatine crest crisis cross crystal cuff
culture cup current currently curve cylinder cyst cystic cysts daily data date dates datetime day
days dear dec december deep delay delayed denied denies dental dependence depth derived descriptor
despite details detector device diabetes diagnostic diameter diamond diaphragm diastolic dictated
did diet difference diffuse digital digitized diode direct disc discharge disease diseases disk
disorder display distal distance distended doctor does dominant done doppler dorsal dose dosimetry
double down drain drainage drug drugs drusen dual duct ductal due duplex during dynamic each ear
early ears easter eccentric ectopic edema effect effort either elastic elbow elderly electron
electronically elevated ellipse ellipsoid emergency emphasis emphysema enclosing end ended
endocrine endorectal energy enhanced enlarged ensemble entire entropy entry environmental episode
equal equivalent ergometer error esophageal est estimate estimated even event events every
evidence exam exceeds except exclude exercise existing expired export extend extended extent
external eye eyes face facial factor failed failure fair faithfully fall falls false family fao
fasciculus fat fatty favor favour feature features feb february female femoral femur fetal fetus
fever few fewer fiber fiducial fiducials field file filling film films filter final finding
findings fine finger firm first fit fixed flank flash flow fluid fluoro focal focus fold follow
following food foot for foramen force form former fossa found four fourth fractional fracture
fractures frame frames free freedom frequency frequent fresh fri friday from frontal full
functional fundus further gadolinium gallbladder gallstones gamma gas gastric genetic gentleman
geometric geometry girl give given gland glass glenn glucose gold golden good grade gradient grain
gray great green grey groin gross ground group growth guidance gut had half hand hands hard has
have he head headache heading healed health hearing heart heavy height hello hemodynamic hence
hepatic her here hernia high higher hilar hilum hip his history hoc hold home honeycomb horizontal
hospital hot hours house how human hx ice identifier if iga ige igg igm ileum iliac image imager
images implant imported in increased indeterminate index indirect infant inferior infiltrate
infiltrates infiltrating inflow infrared infraspinatus ingredient initial injector injury inline
inner input inside instances insulin intact intake intensive intent interest interlock
intermediate internal international internist interpreter interstitial interval intervertebral
intimal into invasive inverted ion iron is isocenter isolated isotope issue isthmus it item items
its jan january jaw jejunum jet joint jul july jun june just keratometry kidney kidneys kind
kindest knee know known lab label labeling labor labour labs lack lady lamp large larger larval
laser last late later laterals layer lead leak left leg legs length lens less let letter leuko
level levels life light like likely limb limit limited limits line linear lines lingula lipid
liquid list little liver lobar lobe lobes local long longitudinal look loss lost low lower lumbar
lumen lump lung lungs lymph machine magna magnetic main major male man manual manufacturer many
map mapping mar march margin marked marker marrow mass masses massive match material matrix
maximal maximum may mean measure measured media medial median mediastinal mediastinum medicine
medullary melena member membrane men menses mental mesh metabolic metal meterset method micro
microscope mid middle might mild mildly military mini minimal minimum minor mitral mixed mobile
mode model moderate modified modifier mon monday monitor monitoring month months more morning most
mother mount mouse mouth mucosa mucus multi multifocal multiple murmur muscle muscles musculus
must my myocardium nail name nasal nausea near neck need needle neither nephrotic nerve neutral
never new newborn next night nipple no nodal node nodes nodule nodules noise non none nonspecific
nor normal normalized nose not notch note notes notice nov november now nuchal nuclear nucleus
null number numerous nurse nursing obese object oblique observed observer obtain occult occupancy
occupational oct october odd of off offer offset oil old older on once one ongoing only onset open
operating operator ophthalmic ophthalmoscope opinion optic oral orbit orbital order organ orifice
origin original other our out outer outflow outline output outside ovalis over overall own oxygen
pacemaker pacing pad page pain painful pale pallidus palmar palpable pancreas panel pap paper para
parameter parameters part partial partially pass past patch patches patchy patellar path pathway
patient patients pattern peak pelvis pending per percentile perform performed perimeter period
peritoneum persistent person pertinent phantom phase phone phoned phosphatase photo photon
physician physics physiotherapy piece pink pitch pituitary pixel place placed plain plan plane
planning plantar plaque plaques plasma plateau please pleura plus pneumonia point pointer points
polyp poor port portal positioner positioning possible post posterior power practice pre
precontrast predecessor pregnant present presenting presents pressure primary prior prism private
pro probable problem problems procedure process processing product profile programmed progress
progressive prokinetic prominent prone proper prostate prosthesis protocol proton provided
provider proximal psychiatry pt pterygoideus pts pulse pump pupils pure quadrant qualifier query
queue quick quiet radial radio radiofrequency radiographic radioisotope radionuclide radiotherapy
radius rales ramadan ramus random range rank rapid rare rash rate ratio raw re read reader reading
real reason reasons recent recently receptor recheck recommend recommended rectal rectum recurrent
red reference referenced referral regarding regards region related relational relationship
relatively release relevant reliable remote removed renal rendering repeat report reports request
resident residual resistance resolved resonance rest result results resurfacing retired retro
return reverse review rhythm rib ribs right rigid ring rising risk room root rotational rough
round routine row rule run runs sac sagittal saline salivary same sample sampling sat saturday
scale scalene scan scanning scans scar scattered school score scoring scrotal scrotum search
second secondary see seen segmented seizure select selected semi sent sep sept septal september
septum sequence serial series serum service services set severe severely sex shadow shape shaping
sharp she short shot should shoulder show shows shunt side sign signal signed significance signs
silent silicone similar simple since sincerely single sinus site six size skin skull sleep slice
slices slide slight slit slope slow small smoker smoking smooth so social soft solid solitary some
soon sore sound source space spaces spacing spatial specialty specific specimen speckle spinal
spine spleen spot spots spring stable staff stage stain standard standardized start started state
static status stem stent step sternocleidomastoideus stimulus stomach stool stop stopped stopping
storage strain stress strong structure structured structures student studies study subject
substance succeeded successful such sudden summary summer sun sunday superficial superior supine
support supraspinatus surface surgery suspect suspected swelling symmetry symptom symptoms
syndrome syringe system systemic systems systolic table tachycardia take taken takes target tau
team technique temperature template temporal tender tendon term test testes testicle testing
testis texture than thank thanks that the their then therapeutic therapy there thermal thermistor
these thick thickened thigh thin third this thoracic those though three threshold throat thrombus
through thu thumb thurs thursday thymus thyroid tibia tibial tilt time timing tip tissue titanium
title to today toe tolerance tone tongue top toric total toxic trace trachea tracheal tracking
tract transbronchial transducer transesophageal transfer transferred transit translational
transport transverse trauma tree trial triatriatum tricuspid triple true truncated trunk tube
tubercle tubes tue tues tuesday tumor tumors tumour tumours turn two type ulcer ultrasound under
undetermined unit unknown unlike unremarkable until upon upper uptake urea ureter urethra urgent
urine use used usual uterus vagina vaginal vague value valve variance vein veins vena ventral
ventricle vertebra vertebrae vertebral very vessel vessels via vial video view viewed views
visible visit visual vitals vocal voice void volume vomiting waist wall ward warm was wash wasting
water wave waveform we weak wed wedge wednesday week weekly weeks weight well were wet what wheeze
when where which while white who whole whom why wide widespread width will window windows winter
wire with within without woman women word work workup world would wound wrist writes written x-ray
x-rays xiphoid yaw year years yellow yes yet yield young your yours yrs zone zones
"""
_PEOPLES_AND_PLACES = """
afghan afghanistan africa african america american americas antigua arab arabia arabian ashkenazi
asia asian australia australian bangladeshi barbuda black bosnia brazilian british burkina canada
canadian caribbean caucasian central chinese coast costa cuban czech danish desert dominican dutch
east eastern egyptian emirates english ethiopian europe european faso filipino finnish french
german greek guinea gulf haitian herzegovina hispanic hong india indian iran iranian iraq iraqi
irish island islander islands italian japanese jewish kenyan kingdom kong korea korean lake lanka
latina latino leone marshall mediterranean mexican mexico middle mississippi moroccan mountain
native nepali nigerian north northern norwegian ocean ohio pacific pakistani papua polish
portuguese puerto republic rica river russian salvador samoan saudi scottish sea sephardic sierra
solomon somali south southern spanish sri states sudan sudanese swedish swiss thai tobago trinidad
turkish ukrainian union united valley verde vietnamese welsh west western white zealand
"""
_EPONYMS = """
abrikossoff achilles actinomyces adamkiewicz adson albright alport alzheimer amyand apgar ascher
aschoff askin asperger aspergillus aspirin assmann ayerza baastrup babinski ballance bamberger
bankart barr bartter basedow batson bazex beckwith behcet behçet berger birt blalock blastomyces
blount boas bochdalek boerhaave bosniak bouchard brenner breslow breus broca brodie bruton buckley
budd buerger burkitt caisson calot calve calvé canavan candida cantlie caplan caroli castleman
cesarean chagas chance charcot charlson chediak chest chester chiari chilaiditi chlamydia chopart
churg clara cobb coccidioides codman cogan colles combitube cooley couinaud coumadin courvoisier
cowden cowper crohn cronkhite cryptococcus cullen curling cushing dandy darier deauville dejerine
denonvilliers dercum dieulafoy dressler dubin dubé duchenne dukes dupuytren durie ebstein
echinococcus ehlers eisenmenger entamoeba erb erdheim escherichia ewing fabry fallot fanconi
fenton fitz fleischner flexeril foley fontan freiberg frostberg fuhrman gadovist galeazzi galen
garland garre garré gartner gaucher gerota ghon glasgow gleason goldenhar goodpasture gorham
gorlin grawitz guillain guyon haemophilus haglund haller halsted hamman hampton hangman hartmann
hashimoto heberden heimlich hemophilus henle henoch hermansky hesselbach hirschsprung histoplasma
hodgkin hoffa horner hounsfield huntington hurler isovue jaccoud jeune joubert kaposi kartagener
kasabach kasai kawasaki kerley kernig kienbock kienböck kimura klatskin klebsiella klinefelter
klippel knudson koplik krukenberg kummell kupffer kussmaul köhler lachman ladd laennec lambl
langerhans lasegue lasix leber legg legionella leigh lemierre leriche letterer lewy lhermitte
libman liddle lisfranc littre loeffler lofgren looser lugano luschka lyme löffler löfgren madelung
maffucci magnevist mahaim maisonneuve mantoux marfan maroteaux mcardle mccune meckel meigs
mendelson menetrier meniere merkel mikulicz milroy milwaukee mirizzi mobitz modic moersch monod
monro monteggia morgagni morison morquio mounier mucor mycoplasma ménière ménétrier neer neisseria
niemann nissen nocardia noonan ollier omnipaque optiray ormond osgood osler paget pagets pancoast
parkinson parona patau pellegrini percocet perthes peutz peyer peyronie plavix pneumocystis pompe
pott prader prinzmetal pseudomonas pudlak purkinje quincke ranke rasmussen rathke raynaud
recklinghausen reidel reiter rendu rett reye rhesus rhodococcus riedel rokitansky romberg rosai
rosenmuller rouviere sachs salmonella salter sanfilippo santorini scarpa schamroth scheuermann
schistosoma schmorl schonlein schwann sezary shenton shigella shwachman sieverts sipple sjogren
sjögren spigelian spitz sprengel sternberg strauss sturge sudeck swyer sydenham syme takayasu
takotsubo tarlov thebesius thomsen tietze toldt tourette toxoplasma treacher treitz trendelenburg
treponema trousseau turcot tylenol ullrich ultravist valsalva vater vernet viagra virchow
visipaque volkmann waardenburg waldenstrom waldenström waldeyer wallenberg warthin wegener werner
wernicke westermark whipple willebrand wilms windermere wirsung wiskott wolffian wyburn yersinia
zellweger zenker ziehl zollinger
"""

SPARED_WORDS = frozenset(
    word for words in (_REPORT, _PEOPLES_AND_PLACES, _EPONYMS) for word in words.split()
)


def is_spared(word: str) -> bool:
    """Whether a word, or a part of it before or after a hyphen or an apostrophe, is no name."""
    lowered = word.lower().replace("\u2019", "'")
    parts = (lowered, *lowered.removesuffix("'s").split("-"))
    return any(part in SPARED_WORDS or part.endswith(SPARED_ENDINGS) for part in parts)
