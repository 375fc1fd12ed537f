#!/usr/bin/env python3
"""Compares our disassembly with that of binutils' objdump, over random words of every line of the tables.

usage: compare_objdump.py DISASM_WORDS OBJDUMP SOURCE_DIR [SEED [WORDS_PER_LINE]]

Both texts are brought to one spelling. Words that either side refuses, or that belong to another line, are left to the
comparison with capstone. Fails if a difference is left."""
import random
import re
import struct
import subprocess
import sys
import tempfile

ADDRESS = 0x10000

# Lines (by regular expression) that are not compared, and why.
SKIPPED = [
    (r'IT_T1', 'objdump would make the following words conditional'),
    (r'HINT(_T|$)', 'objdump names those of ARMv8, and prints MSR of no field'),
    (r'(HINT_LDRSH|PLD_l_T1_h)', 'unallocated hints: objdump prints the load or PLDW'),
    (r'(REV|REV16|REVSH|RBIT|CLZ)_T', 'objdump prints the first copy of Rm, which differs in random words'),
    (r'LDR(B|H|SB|SH)?_l_T', 'objdump prints LDRT and its like where the offset looks so'),
    (r'(LDC|STC|MCR|MRC|MCRR|MRRC|CDP)(2|_|$)', 'objdump knows FPA, Maverick and iWMMXt'),
    (r'VM(RS|SR)$', 'objdump prints "<impl def n>"'),
    (r'VMOV_imm', 'objdump prints the encoded byte'),
]

BARRIERS = {'un': '0x7', 'unst': '0x6', 'nsh': '0x7', 'nshst': '0x6', 'oshld': '0x1', 'nshld': '0x5',
            'ishld': '0x9', 'ld': '0xd'}

THEIRS = [
    (r'\s*[;@].*', ''), (r'\s*<unpredictable>', ''), (r'\s*<0x[0-9a-f]+>.*', ''),
    (r'\br13\b', 'sp'), (r'\br14\b', 'lr'),
    (r'^([su]sat .*), asr #?0$', r'\1, asr 32'),
    (r'^mov(s?) (\w+), (\w+), (lsl|lsr|asr|ror) #?(\d+)$', r'\4\1 \2, \3, \5'),
    (r'^mov(s?) (\w+), (\w+), rrx$', r'rrx\1 \2, \3'),
    (r'^ldm(ia|fd) sp!, ', 'pop '), (r'^stm(db|fd) sp!, ', 'push '), (r'^(ldm|stm)ia ', r'\1 '),
    (r'^neg(s?) (\w+), (\w+)$', r'rsb\1 \2, \3, 0'),
    (r'^mul(s?) (\w+), (\w+)$', r'mul\1 \2, \3, \2'),
    (r'^nop \{0\}$', 'nop'), (r'^nop \{(\d+)\}$', r'hint \1'),
    (r'^(cps\w+ [aif]+),\s*', r'\1, '),
    (r'^(mrs \w+), cpsr$', r'\1, apsr'),
    (r'cpsr_fs,', 'apsr_nzcvqg,'), (r'cpsr_f,', 'apsr_nzcvq,'), (r'cpsr_s,', 'apsr_g,'),
    (r',(?=[d\[])', ', '), (r' :(?=\d)', ':'),
    (r'^vshl\.s(\d+ \w+, \w+, #)', r'vshl.i\1'),
    (r'^dfb$', 'dsb 0xc'), (r'^ssbb$', 'dsb 0x0'), (r'^pssbb$', 'dsb 0x4'),
]

OURS = [
    (r'^b(l?)hs ', r'b\1cs '), (r'^b(l?)lo ', r'b\1cc '),
]
OURS_IN = {
    'A32': [(r'^((?:ldr|str)d \w+), \w+, (?=\[)', r'\1, '),
            (r'^(ldrexd \w+|strexd \w+, \w+), \w+, (?=\[)', r'\1, ')],
    'T16': [(r'^mov r8, r8$', 'nop'), (r'^adr (\w+), ', r'add \1, pc, ')],
    'T32': [(r'^adr (\w+), #(\d+)$', r'addw \1, pc, #\2'), (r'^adr (\w+), #-(\d+)$', r'subw \1, pc, #\2')],
}


def read_tables(source):
    lines = []
    for table in 'a32 cop vfp neon t16 t32'.split():
        instruction_set = {'t16': 'T16', 't32': 'T32'}.get(table, 'A32')
        with open(f'{source}/cpu/{table}.def') as file:
            for text in file:
                match = re.match(r'INSN\((\w+),\s*"([^"]+)"', text)
                if match:
                    lines.append((instruction_set, *match.groups()))
    return lines


def random_word(pattern):
    word = 0
    for ch in pattern:
        word = word << 1 | (1 if ch in '1o' else 0 if ch in '0z-' else random.getrandbits(1))
    return word & 0x0fffffff | 0xe0000000 if pattern.startswith('cccc') else word


def encode(instruction_set, word):
    if instruction_set == 'A32':
        return struct.pack('<I', word)
    if instruction_set == 'T16':
        return struct.pack('<HH', word, 0xbf00)
    return struct.pack('<HH', word >> 16, word & 0xffff)


def run_objdump(objdump, instruction_set, words):
    with tempfile.NamedTemporaryFile(suffix='.bin') as file:
        file.write(b''.join(encode(instruction_set, word) for word in words))
        file.flush()
        thumb = [] if instruction_set == 'A32' else ['-Mforce-thumb']
        command = [objdump, '-D', '-b', 'binary', '-marm', '-Mreg-names-std', *thumb, file.name]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    texts = dict(re.findall(r'^\s*([0-9a-f]+):\t[0-9a-f ]+\t(.*)$', output, re.M))
    return [texts.get(f'{4 * n:x}', '') for n in range(len(words))]


def expand_range(match):
    kind, first, last, lane = match.group(1), int(match.group(2)), int(match.group(4)), match.group(3)
    return ', '.join(f'{kind}{n}{lane}' for n in range(first, last + 1))


FLOAT = re.compile(r'vmov\.f32')


def number(match):
    text = match.group(1)
    if '.' in text:
        return f'{float(text):g}'
    value = int(text, 0)
    if text == '-0':
        return text
    if FLOAT.match(match.string):
        return str(value)
    return str(value & 0xffffffff if value < 0 else value)


def respell(text, rules, address):
    text = re.sub(r'\s+', ' ', text.lower()).strip()
    text = re.sub(r'^(\w+(?:\.\w+)*?)\.[wn]\b', r'\1', text)
    for pattern, replacement in rules:
        text = re.sub(pattern, replacement, text)
    text = re.sub(r'\b([sdr])(\d+)(\[\d*\])?-[sdr](\d+)(?:\[\d*\])?',
                  lambda m: expand_range(m) if m.group(3) else
                  ', '.join(f'{m.group(1)}{n}' for n in range(int(m.group(2)), int(m.group(4)) + 1)), text)
    match = re.match(r'^(blx|bl|b\w{0,2}|cbn?z)( \w+,)? (0x[0-9a-f]+)', text)
    if match:
        base = address & ~3 if match.group(1) == 'blx' else address
        return f'{match.group(1)}{match.group(2) or ""} {(int(match.group(3), 16) - base) & 0xffffffff}'
    match = re.match(r'^(dmb|dsb) (\w+)$', text)
    if match and match.group(2) in BARRIERS:
        text = f'{match.group(1)} {BARRIERS[match.group(2)]}'
    text = re.sub(r'#?(-?(?:0x[0-9a-f]+|\d+\.\d+(?:e[+-]\d+)?|(?<![a-z0-9_.])\d+))\b', number, text)
    text = re.sub(r'^((?:ldr|str)d \w+, \w+, \[\w+)(?:, #?-?0)?\]!$', r'\1]', text)
    text = re.sub(r'\], #?-0$', '], 0', text)
    return re.sub(r', -?0\]', ']', text.replace(' ^', '^').replace('#', ''))


def refused(ours, theirs):
    nothing = r'undefined|unknown|\.word|\.short|\.inst'
    return ours.startswith('.inst') or not theirs or re.search(nothing, theirs.lower())


def skipped(line):
    return any(re.match(pattern, line) for pattern, _ in SKIPPED)


def main():
    disasm_words, objdump, source = sys.argv[1:4]
    random.seed(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    per_line = int(sys.argv[5]) if len(sys.argv) > 5 else 40
    words = [(instruction_set, random_word(pattern), line)
             for instruction_set, line, pattern in read_tables(source) for _ in range(per_line) if not skipped(line)]
    ours = subprocess.run([disasm_words], input=''.join(f'{s} {w:x}\n' for s, w, _ in words), capture_output=True,
                          text=True, check=True).stdout.splitlines()
    compared = differences = 0
    for wanted in ('A32', 'T16', 'T32'):
        chosen = [n for n, (instruction_set, _, _) in enumerate(words) if instruction_set == wanted]
        theirs = run_objdump(objdump, wanted, [words[n][1] for n in chosen])
        for place, (n, text) in enumerate(zip(chosen, theirs)):
            line, our_text = ours[n].split('\t')
            if refused(our_text, text) or line != words[n][2]:
                continue
            compared += 1
            a, b = respell(our_text, OURS + OURS_IN[wanted], ADDRESS), respell(text, THEIRS, 4 * place)
            if a != b:
                differences += 1
                print(f'{line} {wanted} {words[n][1]:08x} [{a}] objdump [{b}]')
    print(f'{compared} words compared, {differences} differences')
    return differences != 0


if __name__ == '__main__':
    sys.exit(main())
