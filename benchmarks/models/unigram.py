"""SentencePiece's unigram model: cuts a sentence into the pieces of largest total score (Kudo 2018), by Viterbi's algorithm.

The vocabulary is a list of [piece, score]; a piece's number is its place in the list. The first ones are reserved: they
never stand for text, and number 0 stands for what no piece covers.
"""
import json
import unicodedata

SPACE = "▁"
RESERVED = 6


class Tokenizer:
    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            vocabulary = json.load(f)
        # A score that the file leaves out counts as 0.
        self.pieces = {piece: (score or 0.0, number) for number, (piece, score) in enumerate(vocabulary) if number >= RESERVED}
        self.longest = max(map(len, self.pieces))

    def encode(self, text):
        text = unicodedata.normalize("NFKC", text)
        if not text:
            return []
        text = SPACE + text.replace(" ", SPACE)
        # best[i]: total score, number and start of the last piece of the best way to cut text[:i]; None: there is none.
        best = [(0.0, -1, -1)] + [None] * len(text)
        for end in range(1, len(text) + 1):
            for start in range(max(0, end - self.longest), end):
                piece = self.pieces.get(text[start:end])
                if piece and best[start] and (best[end] is None or best[start][0] + piece[0] >= best[end][0]):
                    best[end] = (best[start][0] + piece[0], piece[1], start)
            if best[end] is None:  # A character that no piece covers.
                best[end] = (best[end - 1][0], 0, end - 1)
        tokens = []
        end = len(text)
        while end > 0:
            _, number, start = best[end]
            # Neighbours that nothing covers are one unknown piece.
            if number or not tokens or tokens[-1]:
                tokens.append(number)
            end = start
        return tokens[::-1]
