"""Real and sampled data as tokens: the corpus format, readers, tokenizers, two corpora every machine can have.

``format`` is the folder that training reads; ``readers`` and ``tokenizers`` turn files into token ids; ``builtin``
finds code and prose on this machine; ``scoring`` measures H of any of them and ``importing`` makes corpora of them.
"""
