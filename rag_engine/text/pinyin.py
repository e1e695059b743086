"""Chinese by its sound without tones: what passages say and what people type."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache

from rag_engine.text.codes import code_table

__all__ = ["pinyin_pairs", "readings", "syllables"]

_SYLLABLES = """
a ai an ang ao e ei en er o ou
ba bai ban bang bao bei ben beng bi bian biao bie bin bing bo bu
pa pai pan pang pao pei pen peng pi pian piao pie pin ping po pou pu
ma mai man mang mao me mei men meng mi mian miao mie min ming miu mo mou mu
fa fan fang fei fen feng fo fou fu
da dai dan dang dao de dei deng di dian diao die ding diu dong dou du duan dui dun duo
ta tai tan tang tao te teng ti tian tiao tie ting tong tou tu tuan tui tun tuo
na nai nan nang nao ne nei nen neng ni nian niang niao nie nin ning niu nong nou nu nuan nuo nue
la lai lan lang lao le lei leng li lia lian liang liao lie lin ling liu long lou lu luan lun luo lue
ga gai gan gang gao ge gei gen geng gong gou gu gua guai guan guang gui gun guo
ka kai kan kang kao ke ken keng kong kou ku kua kuai kuan kuang kui kun kuo
ha hai han hang hao he hei hen heng hong hou hu hua huai huan huang hui hun huo
ji jia jian jiang jiao jie jin jing jiong jiu ju juan jue jun
qi qia qian qiang qiao qie qin qing qiong qiu qu quan que qun
xi xia xian xiang xiao xie xin xing xiong xiu xu xuan xue xun
zha zhai zhan zhang zhao zhe zhei zhen zheng zhi zhong zhou zhu zhua zhuai zhuan zhuang zhui zhun
zhuo cha chai chan chang chao che chen cheng chi chong chou chu chua chuai chuan chuang chui chun
chuo sha shai shan shang shao she shei shen sheng shi shou shu shua shuai shuan shuang shui shun
shuo ran rang rao re ren reng ri rong rou ru ruan rui run ruo
za zai zan zang zao ze zei zen zeng zi zong zou zu zuan zui zun zuo
ca cai can cang cao ce cen ceng ci cong cou cu cuan cui cun cuo
sa sai san sang sao se sen seng si song sou su suan sui sun suo
ya yan yang yao ye yi yin ying yo yong you yu yuan yue yun
wa wai wan wang wei wen weng wo wu
"""
# The frequent characters that have a second reading, which the library's one may not be.
_OTHER_READINGS = code_table(
    "行:hang/xing 长:chang/zhang 長:chang/zhang 重:chong/zhong 都:du/dou 乐:le/yue 樂:le/yue",
    "还:huan/hai 還:huan/hai 会:hui/kuai 會:hui/kuai 调:diao/tiao 調:diao/tiao 率:lu/shuai",
    "处:chu 處:chu 参:can/shen 车:che 車:che 传:chuan/zhuan 傳:chuan/zhuan 降:jiang/xiang",
    "角:jiao/jue 觉:jue/jiao 覺:jue/jiao 省:sheng/xing 校:xiao/jiao 藏:cang/zang 什:shen/shi",
    "得:de/dei 地:di/de 了:le/liao 着:zhe/zhao 曾:ceng/zeng 给:gei/ji 給:gei/ji 弹:tan/dan",
    "大:da/dai 便:bian/pian 朝:chao/zhao 单:dan/shan 單:dan/shan 薄:bao/bo 血:xue/xie",
)
_LONGEST_SYLLABLE = 6
_LONGEST_WORD = 36
_MOST_DIVISIONS = 4


@cache
def _known() -> frozenset[str]:
    return frozenset(_SYLLABLES.split())


@lru_cache(maxsize=30_000)
def _sounds(character: str) -> tuple[str, ...]:
    from anyascii import anyascii

    return tuple(_OTHER_READINGS.get(character, anyascii(character).lower()).split("/"))


def readings(pair: str) -> tuple[str, ...]:
    """Return how two neighbouring characters may be read, without tones.

    >>> readings("水费"), readings("银行")
    (('shuifei',), ('yinhang', 'yinxing'))
    """
    first, second = map(_sounds, pair)
    if not (first and second):
        return ()  # a character that the library does not know
    return tuple(left + right for left in first for right in second)


@lru_cache(maxsize=10_000)
def syllables(word: str) -> tuple[tuple[str, ...], ...]:
    """Return the ways to divide a word into syllables of pinyin, those with long ones first.

    >>> syllables("shuifei"), syllables("xian"), syllables("world")
    ((('shui', 'fei'),), (('xian',), ('xi', 'an')), ())
    """
    word = word.replace("'", "").replace("ü", "u").replace("v", "u")
    ways: list[tuple[str, ...]] = []
    dead: set[int] = set()  # places from which no way leads to the end
    if len(word) > _LONGEST_WORD:
        return ()

    def divide(start: int, before: tuple[str, ...]) -> None:
        if start in dead or len(ways) == _MOST_DIVISIONS:
            return
        if start == len(word):
            ways.append(before)
            return
        found = len(ways)
        for end in range(min(len(word), start + _LONGEST_SYLLABLE), start, -1):
            if word[start:end] in _known():
                divide(end, (*before, word[start:end]))
        if len(ways) == found:
            dead.add(start)

    divide(0, ())
    fewest = min(map(len, ways), default=0)
    most = max(fewest, 2)  # "xian" may be the city; whoever means "dian" does not mean "di an"
    return tuple(way for way in ways if fewest <= len(way) <= most)


def pinyin_pairs(words: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return the neighbouring syllables of a question, within its words and across them.

    A word that is not pinyin, or "", parts its neighbours.

    >>> pinyin_pairs(["shui", "fei", "in", "shanghai"])
    (('shuifei',), ('shanghai',))
    """
    groups: list[tuple[str, ...]] = []
    before = ""
    for word in words:
        ways = syllables(word) if word.isalpha() or "'" in word else ()
        if not ways:
            before = ""
            continue
        if before:
            groups.append(tuple(dict.fromkeys(before + way[0] for way in ways)))
        for place in range(max(map(len, ways)) - 1):
            pairs = (way[place] + way[place + 1] for way in ways if place + 1 < len(way))
            groups.append(tuple(dict.fromkeys(pairs)))
        before = ways[0][-1]
    return tuple(groups)
