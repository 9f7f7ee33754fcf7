"""English frames: plain words, nearly all of one syllable. English has no tone: each has the empty string as its tone.

Words have one reading as written, no two sound alike, and their phonemes are those that eSpeak NG's American voice
itself reads the word with. Words whose phonemes change with their neighbours in that voice are left out: a final /r/,
a flapped /t/, a vowel at the start (it links to the word before). A word of two syllables has two nucleus phonemes; the
first is the stressed one, and ``Frame.nucleus`` runs from the first vowel to the last.
"""

from __future__ import annotations

from tonespan_utils.corpus.synthetic.spellers.speller import Frame, Speller

VOWELS = {
    "a": "æ", "I": "ɪ", "E": "ɛ", "V": "ʌ", "U": "ʊ", "0": "ɑː", "A:": "ɑː", "O:": "ɔː", "3:": "ɜː", "i:": "iː",
    "u:": "uː", "aI": "aɪ", "eI": "eɪ", "oU": "oʊ", "aU": "aʊ", "OI": "ɔɪ", "3": "ɚ", "i": "i",
}  # fmt: skip
CONSONANTS = {letter: letter for letter in "pbtdkfvszhmnlwjr"} | {
    "g": "ɡ", "S": "ʃ", "T": "θ", "D": "ð", "N": "ŋ", "tS": "tʃ", "dZ": "dʒ",
}  # fmt: skip
IPA = VOWELS | CONSONANTS

# word and mnemonics, as eSpeak NG reads them
WORDS = """
cat k|a|t; dog d|0|g; house h|aU|s; bird b|3:|d; tree t|r|i:; stone s|t|oU|n; sun s|V|n; moon m|u:|n; sea s|i:; ship
S|I|p; boat b|oU|t; road r|oU|d; town t|aU|n; shop S|0|p; wall w|O:|l; roof r|u:|f; room r|u:|m; bed b|E|d; box
b|0|k|s; book b|U|k; page p|eI|dZ; word w|3:|d; name n|eI|m; sound s|aU|n|d; voice v|OI|s; nose n|oU|z; mouth m|aU|T;
hand h|a|n|d; foot f|U|t; leg l|E|g; head h|E|d; back b|a|k; face f|eI|s; skin s|k|I|n; bone b|oU|n; food f|u:|d;
bread b|r|E|d; cheese tS|i:|z; milk m|I|l|k; rice r|aI|s; soup s|u:|p; cake k|eI|k; fruit f|r|u:|t; meat m|i:|t; fish
f|I|S; leaf l|i:|f; root r|u:|t; seed s|i:|d; rain r|eI|n; snow s|n|oU; cloud k|l|aU|d; sky s|k|aI; night n|aI|t; day
d|eI; week w|i:|k; month m|V|n|T; clock k|l|0|k; spring s|p|r|I|N; south s|aU|T; west w|E|s|t; left l|E|f|t; right
r|aI|t; side s|aI|d; game g|eI|m; ball b|O:|l; team t|i:|m; race r|eI|s; run r|V|n; walk w|O:|k; swim s|w|I|m; ride
r|aI|d; drive d|r|aI|v; fly f|l|aI; climb k|l|aI|m; sit s|I|t; stand s|t|a|n|d; sleep s|l|i:|p; wake w|eI|k; wash
w|0|S; cook k|U|k; drink d|r|I|N|k; speak s|p|i:|k; talk t|O:|k; call k|O:|l; tell t|E|l; show S|oU; give g|I|v; take
t|eI|k; make m|eI|k; build b|I|l|d; cut k|V|t; break b|r|eI|k; fix f|I|k|s; hold h|oU|l|d; lift l|I|f|t; push p|U|S;
pull p|U|l; black b|l|a|k; white w|aI|t; red r|E|d; green g|r|i:|n; blue b|l|u:; brown b|r|aU|n; gray g|r|eI; pink
p|I|N|k; light l|aI|t; cool k|u:|l; cold k|oU|l|d; hot h|0|t; dry d|r|aI; wet w|E|t; clean k|l|i:|n; loud l|aU|d; slow
s|l|oU; deep d|i:|p; wide w|aI|d; big b|I|g; small s|m|O:|l; tall t|O:|l; thin T|I|n; thick T|I|k; round r|aU|n|d;
flat f|l|a|t; smooth s|m|u:|D; rich r|I|tS; kind k|aI|n|d; wise w|aI|z; brave b|r|eI|v; young j|V|N; new n|u:; late
l|eI|t; cow k|aU; sheep S|i:|p; goat g|oU|t; pig p|I|g; duck d|V|k; mouse m|aU|s; wolf w|U|l|f; tiger t|aI|g|3; paper
p|eI|p|3; number n|V|m|b|3; yellow j|E|l|oU; money m|V|n|i; river r|I|v|3; mother m|V|D|3; father f|A:|D|3; baby
b|eI|b|i; picture p|I|k|tS|3; window w|I|n|d|oU; summer s|V|m|3; winter w|I|n|t|3; sugar S|U|g|3; pepper p|E|p|3;
silver s|I|l|v|3; finger f|I|N|g|3; shoulder S|oU|l|d|3; doctor d|0|k|t|3; teacher t|i:|tS|3; sister s|I|s|t|3;
brother b|r|V|D|3; shut S|V|t; shell S|E|l; bean b|i:|n; seat s|i:|t; heat h|i:|t; mood m|u:|d; goose g|u:|s; rug
r|V|g; bus b|V|s; lamb l|a|m; sand s|a|n|d; land l|a|n|d; math m|a|T; nail n|eI|l; sail s|eI|l; tail t|eI|l; mail
m|eI|l; gate g|eI|t; lake l|eI|k; plane p|l|eI|n; play p|l|eI; stay s|t|eI; shoe S|u:; noise n|OI|z; boil b|OI|l; coin
k|OI|n; toy t|OI; joy dZ|OI; boy b|OI; soil s|OI|l; key k|i:; knee n|i:; bee b|i:; tea t|i:; wheel w|i:|l; steel
s|t|i:|l; wave w|eI|v; cave k|eI|v; safe s|eI|f; save s|eI|v; bike b|aI|k; hike h|aI|k; mile m|aI|l; tile t|aI|l; nine
n|aI|n; five f|aI|v; six s|I|k|s; ten t|E|n
"""


def speller() -> Speller:
    """All words; they stand with spaces between them."""
    frames = tuple(_frame(*entry.split()) for entry in WORDS.split(";"))
    return Speller(language="en", voice="en-us", tones=(), frames=frames, chao={}, joiner=" ")


def _frame(word: str, mnemonics: str) -> Frame:
    names = mnemonics.split("|")
    nuclei = [place for place, name in enumerate(names) if name in VOWELS]
    sounds = [IPA[name] for name in names]
    return Frame(
        onset="".join(sounds[: nuclei[0]]),
        nucleus="".join(sounds[nuclei[0] : nuclei[-1] + 1]),
        coda="".join(sounds[nuclei[-1] + 1 :]),
        espeak=tuple((_role(place, nuclei), name) for place, name in enumerate(names)),
        spelling={"": word},
    )


def _role(place: int, nuclei: list[int]) -> str:
    """A consonant between two vowels is the second one's onset."""
    return "nucleus" if place in nuclei else "onset" if place < nuclei[-1] else "coda"
