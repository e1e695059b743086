"""Words that end in a full stop which ends no sentence, by language.

What many languages share is in ``SHARED``. A language's own list holds what would be a word of
another language, or is simply its own. Written from common knowledge, as dictionaries list them;
CLDR's lists of sentence-break suppressions cover ten languages and hold many plain words.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["AFTER_NUMBER", "CLOSING", "OF_LANGUAGE", "ORDINAL_LANGUAGES", "SHARED"]


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


SHARED = _words(
    # English, and what many languages share
    "approx capt cf co corp dept dr ed eds fig figs fr gen gov hon ing jr lt ltd mr mrs ms mt",
    "nr pp prof rep rev sen sgt sr st tel vol vs jan feb apr aug sep sept oct nov dec",
    # German and Dutch
    "abb abs bd bzw ca dipl evtl geb ggf hr inkl jh kap mio mrd str vgl zzgl bijv dhr mevr mw",
    # French, Spanish, Portuguese, Italian
    "av env mlle mme avda dña núm pág sra srta ud uds dra sig sigg dott pag",
    # Polish, Czech, Slovak, Hungarian, the Nordic languages, Turkish
    "godz np tj tzn tzw ul např tzv č kb pl ung sn bkz",
    # Russian, Ukrainian, Bulgarian, Greek
    "г гг им млн млрд напр рис руб см стр тыс ул проф κ κα",
)
"""Lower case; believed in every language."""

OF_LANGUAGE: Mapping[str, frozenset[str]] = {
    "ar": _words("أ ب ت ج د ر س ش ص ط ع ف ق ك م ن ه و أ.د أ.م ج.م د.ت هـ ق.م إلخ تلفون"),
    "bg": _words(
        "акад арх бл бр бул вж гл гр д-р доц ж.к инж кв лв мин напр обл пл проф св сл ср",
    ),
    "bn": _words("ডা ড মো মি সা নং পৃ অধ্যা প্রফে"),
    "ca": _words("avda av dr dra núm pàg sr sra ex tel c p"),
    "cs": _words(
        "arch bc cca čj čl doc dr hod ing judr kč kol kpt max mgr mil mj mudr mvdr nám např obr",
        "odst paeddr phdr pí popř pozn př prof příp resp rndr roč srv sv st str tab tel tj tř",
        "tzn tzv ul vyd zejm zn",
    ),
    "da": _words(
        "adr afs alm art bd bilag ca cand dvs eks ekskl evt f.eks fhv frk gl hhv hr inkl ift",
        "iht jf kap kgl kl kr lign maks min mio moms mrd mv nr omkr pct pga pkt pr red s sml sr",
        "st stk str tlf udg vedr vha",
    ),
    "de": _words(
        "abg abk abschn abt allg anh anl anm art aufl az bearb begr beil bes betr bez bl bspw",
        "bsp dgl ders dies dr eigtl einschl entspr erg erl exkl fa forts fr frl gem gegr gest",
        "ges hl hptst hrsg ing insb insbes jg jhd kath kfm lfd lit lt ltd max min mind mwst",
        "nachf nds neg nov o.ä obj österr od op pfd phil pkt prot rd rer resp röm s schr sep",
        "sog spez std tgl teilw tit übers ugs unbest urspr usf verf verh vers vorm wg wiss wöch",
        "zit zz zzt ziff",
    ),
    "el": _words(
        "αγ αρ άρθ βλ δηλ δρ εκ εκδ κ κα κεφ κος λ λεωφ π.χ πρβλ σ σελ στ τηλ τ χιλ χλμ",
    ),
    "en": _words(
        "adm assn ave bldg blvd brig cmdr cmdt col comdr dist est esp ext gal govt hts hwy inst",
        "lieut maj messrs mfg mgr mrs msgr natl op paras pl ph.d pvt reps repr sens sfc sgts",
        "sup supt univ",
    ),
    "es": _words(
        "admón aprox apdo art arts atte av avda c cap caps cía col coord dcha dep depto ed ej",
        "excmo fasc fdo gral gte hno hnos ilmo ing izq lic máx mín mons n.º nº núm núms ob p",
        "págs pár ppal prof profa prov ptas pza r rte rvdo s s.a sec sgte sig sr sres sta sto",
        "tel tfno ud urb v vda vid vol",
    ),
    "et": _words(
        "a dr hr jm jne jpt k.a lk mag ms nn nr näit nt o.a pr prof s.o s.t sh srn st tel tn u",
    ),
    "fa": _words("آ ب د ص م ق.م هـ ش"),
    "fi": _words(
        "alk dos em engl esim ent eur fil henk huom ins ks kok kpl kirj klo ko lat lk lis lks",
        "ma maist maks min mm ml mrd milj mom muk nk nro n nyk os past prof puh pj ruots s saks",
        "seur synt so sv t tlk toht toim tri ts v vas vrt vs yht ym",
    ),
    "fr": _words(
        "ann art arr boul bd chap ch chev coll comm dép dir éd env ét etabl ex fasc fg fig hab",
        "ill introd lieut l.c loc m max mgr min mm mmes n.b no nos p par paragr pl pr préf prés",
        "réf s.a sq suiv suppl t tél trad univ v var vve",
    ),
    "he": _words("פרופ גב הגב רח שד טל מס עמ ר שכ אינג מ ד"),
    "hi": _words(
        "अ आ ई इ इं इंजी उ ए एस एम एन के जे टी डी पी बी सी आर वी कि किमी कि.मी ई.पू कु कुं कै",
        "डॉ डा ले नं पं पृ पू प्रो मि मी मु मो रु लि श्री श्रीमती सं सु स्व से",
    ),
    "hr": _words(
        "br čl dipl dr god gđa gosp inž itd mr mr.sc npr odn os prof r sl st str sv tj tzv ul v",
    ),
    "hu": _words(
        "áll alj apr aug bek bp bt cca csüt dec dr du évf feb fej febr fszt hiv ifj ill it jan",
        "jún júl k kb kft kk krt ld lásd m márc max mb min mt nov ny nyrt o okl okt old özv p",
        "pf pl pld prof rkp sz szept szerk szt szül t tc tel tkp tv u ua ui úm ún uo v vö zrt",
        "zs",
    ),
    "id": _words(
        "a.l a.n bpk cet cq d.a drs dra dsb dst dlm dr ed gbr gg hal hlm hlmn jl jln jend kab",
        "kav kec kel kep kol ko kompl kop ket lamp lih ltd mgr moh muh ny nn pdt pgs pkl prof",
        "ps pt rp rt rw s.d sda sbb sdr sdri st tab tgl tlp tsb u.p vol yth",
    ),
    "it": _words(
        "amm arch art artt avv c cap capp cav cfr co comm c.a dep dir dott dott.ssa dr ecc.mo",
        "ed egr fig figg fratt gent geom gr ill ing l.go lett loc mons n p pp par p.es p.za",
        "prof profa prof.ssa prot pres rag rev sec seg sez sigg sig.ra sig.na spett ss str sup",
        "tab tel trad v vd vol",
    ),
    "lt": _words(
        "a a.k apskr dr doc e el g gyv kab kt lt m min mln mlrd pan pav pirm pl plg pr prof psl",
        "r sk str t tel tūkst ul vnt žr",
    ),
    "lv": _words(
        "dr ģ iel inž lpp maks min nod nr pag piem prof red sal sk skat t.i t.sk tāl tr u.c vec",
    ),
    "nl": _words(
        "afb afd afk alg apr art bijl blz b.v bv bibl bl cap ca d.w.z dr drs dwz eig enk etc",
        "excl fam fig gebr geb hfdst hoofdst hr i.p.v ing incl inz ir jhr jl jur lic ll max mej",
        "min mevr mln mld mr n.a.v nl nrs o.a o.l.v opm ong p par pag plm prof red resp ref s.v",
        "st t.a.v tab tel t.o.v verg vgl vlg vnl vnw zgn z.o.z",
    ),
    "no": _words(
        "adr alm ang art avd bl bla bd ca cand dvs eks ekskl evt f.eks fhv frk gt hhv hr ift",
        "iht inkl jf jfr kap kgl kl kr lign maks min mill mrd mv nr omkr pga pkt pr red s siv",
        "sml st str tilsv tlf utg v vedr vha vs storgt",
    ),
    "pl": _words(
        "adw al art arch bł bp br chor cyt dł dn doc dot dr dyr ds dz ew ewent fig fot gen gł",
        "godz gr hab hr im in inż itp jw kard kier kl km kol kpt ks ku lek lit m mec mgr min",
        "mjr mł n nazw nb np nr o ob odc ok op os p pl par pkt płk pn pol por pow ppłk prof",
        "prok przew przyp ps pt r red reż rozdz ryc rys s sierż sp św śp str szt śr tab tel tj",
        "tłum tow ts tys tzn tzw ul ust w wg woj wsp wyd wz zał zam zaw zd zob zw",
    ),
    "pt": _words(
        "adm ap apto art arts aprox av bibl cap caps cel cia cit col com cód créd dep depto des",
        "dir doc ed educ emb eng enga ex exa exma exmo fasc fem fig figs fls gal gov hab ib id",
        "ilma ilmo inst jr ltda lat lic lit máx mín min mons n nº núm ob obs op org p pág págs",
        "par pe pg pgs pl pres proc prof profa profs prov pub r ref rel rem res rev s sa séc",
        "secr seg sen sr sra sres srta sta sto supl tab tel trad trav univ v vd vol",
    ),
    "ro": _words(
        "alin apt art bd bl bld cap cca cf col conf cpt dir dl dna dnă dra dvs ed etaj ex fig",
        "gen gr hr ing int jud jur lt mr max min mun nr obs op p pag par pct pl pop prof r red",
        "ref s sc sec sf soc sos st str șos tel ș.a trad univ v vol",
    ),
    "ru": _words(
        "а авт адм акад бывш б бул в вв вед вкл вып гг гл гор гос гр греч д дер деп дир доб",
        "докт доп доц ж зав зам з изд илл инв ин инж ил им искл исп к кв кг ком корп кр куб л",
        "лат лит м мин мл мн муж н наб нач нем о об обл одноим ок оп оз отв отд п пер пп пл пос",
        "пом пр пред прим прибл проч просп р ред рр с сб св сек сл см соч ср ст стр т таб тел",
        "тов тж тт уч физ х ц ч шт экз э",
    ),
    "sk": _words(
        "arch bc cca čl č doc dr hod ing judr kol kpt max mgr mil min mudr mvdr nám napr obr",
        "ods odst paeddr phdr popr pozn pr prof príp resp rndr roč sv st str tab tel tj t.j tr",
        "tzn tzv ul vyd zn",
    ),
    "sl": _words(
        "dipl dr ga g gl inž itn ipd kom mag npr oz prof sv str št tel ter t.i tj tv ul",
    ),
    "sr": _words(
        "бр год др инж ит нпр одн проф р св сл ст стр тзв тј ул br dr god inž npr prof str sv",
        "tj tzv ul",
    ),
    "sv": _words(
        "adr afd alt ang anm art avd bil bl bl.a c:a ca civ d.v.s dvs doc dr e.d eg ev exkl exp",
        "f f.d f.ö fig forts fr fröken föreg g gm hr inkl iom jfr jur kap kl kr kungl m.a.o",
        "m.fl max min milj mom mt n nr nuv näml o.d obs omkr osv p pga prof proc red resp s s.k",
        "sid skr st t.ex t.o.m tab tel tekn temp tf ung uppl utg v vard",
    ),
    "sw": _words("bi bw dk dkt k.m k.v mf mh mhe mhesh n.b no pr sh sh.k tsh uk"),
    "tr": _words(
        "alb alm anl apt ar arş as asb av bknz blm bl böl bul bşk cad cf cilt çev çvş der doç",
        "drl dz ed ecz et fak gen gnkur gön haz hst hz huk ing ist kal kapt kor krş kur ltd mad",
        "mah mat mec müd müh no nu ord ort oto örn öğr ölm ör osm prof psik s sf sn sok srv st",
        "şb şti tel tğm trk ttk tümg uzm üni vet yakl yard yrd yy yzb yön",
    ),
    "uk": _words(
        "а акад бл бул буд в вв вид вип вул гл гор гр грн див дир доц ж зав заст ім ін інж ін-т",
        "кв корп л м мл мін н напр нар обл оз оп п пер пл пор прим прибл просп проф пп р ред рр",
        "рис розд с св сек смт соч ст стор т таб тзв тел тис туд тт ц ч шт",
    ),
    "ur": _words("ڈاکٹر پروف ص م ق.م ء ہ"),
    "vi": _words(
        "bs cn cs d.c đ đc gs h hs ks lm ls ngs nxb nsnd nsưt p pgs ph q s t ths tp tr tt ts tx",
        "vd x",
    ),
}
"""Lower case; what follows them may begin with a capital, a digit or a letter without case."""

CLOSING = _words(
    "etc usw usf osv ecc enz atd atp apod itd itp jne stb vb dll m.m m.fl o.s.v v.v n.k b.k k.k",
    "b.c b.c.e a.d a.m p.m т.д т.п др пр итд тощо ін т.ін κ.λπ κ.ά κλπ κ.τ.λ إلخ u.a u.ä u.s.w",
    "k.s jt jms u.c utt и.т.н т.н und.a о.а",
)
"""What stands at the end of a list or after a time: a sentence ends there before a capital."""

AFTER_NUMBER = _words(
    "г гг в вв р рр грн руб коп лв ст кг км см м мм л шт хв сек год тис тыс мин kr kč zł gr ft",
    "r h min sek cm km kg pct str pp a.m p.m uhr",
)
"""What counts after a number: a sentence ends there before a capital."""

ORDINAL_LANGUAGES = _words(
    "bs cs da de dsb et eu fi fo hr hsb hu is lb lt lv nds nn no pl sk sl sq sr tr"
)
"""Languages that write an ordinal as a number with a full stop."""
