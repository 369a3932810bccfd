"""A vocabulary for a corpus: trained on a sample of its text, of a size that small pilots can pay.

``text_sample`` reads, ``rule`` chooses the size, ``tokenizer_report`` puts both together.
"""
