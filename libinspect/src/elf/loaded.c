// SPDX-License-Identifier: MIT
#include "loaded.h"

#include <string.h>

enum { PAGE = 4096, MAX_NOTES = 64 * 1024, MAX_DYNAMIC = 1024 };

// Program headers that make sense: the segments' bytes do not wrap, and the first one tells the
// bias.
static bool place(insp_loaded *m)
{
    bool any = false;
    for (size_t i = 0; i < m->n_headers; i++) {
        const Elf64_Phdr *ph = &m->headers[i];
        if (ph->p_type != PT_LOAD || ph->p_memsz == 0)
            continue;
        if (ph->p_vaddr + ph->p_memsz < ph->p_vaddr)
            return false;
        if (!any) {
            m->bias = m->header - (ph->p_vaddr - ph->p_offset);
            m->start = m->bias + (ph->p_vaddr & ~(insp_addr)(PAGE - 1));
        }
        insp_addr end = m->bias + ph->p_vaddr + ph->p_memsz;
        if (end < m->start)
            return false;
        end = (end + PAGE - 1) & ~(insp_addr)(PAGE - 1);
        m->end = end > m->end ? end : m->end;
        any = true;
    }
    // An executable at another place than its own is a file that somebody mapped to look at.
    return any && m->end > m->start && (m->type == ET_DYN || m->bias == 0);
}

bool insp_loaded_open(insp_loaded *m, const insp_space *space, insp_addr addr)
{
    *m = (insp_loaded){.space = space, .header = addr};
    Elf64_Ehdr head;
    if (insp_space_read(space, addr, &head, sizeof(head), NULL))
        return false;
    if (memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64 ||
        head.e_ident[EI_DATA] != ELFDATA2LSB || head.e_phentsize != sizeof(Elf64_Phdr))
        return false;
    if (head.e_type != ET_EXEC && head.e_type != ET_DYN)
        return false;
    m->type = head.e_type;
    m->machine = head.e_machine;
    m->n_headers = head.e_phnum < INSP_LOADED_HEADERS ? head.e_phnum : INSP_LOADED_HEADERS;
    if (insp_space_read(space, addr + head.e_phoff, m->headers,
                        m->n_headers * sizeof(m->headers[0]), NULL))
        return false;
    return place(m);
}

const Elf64_Phdr *insp_loaded_header(const insp_loaded *m, uint32_t type)
{
    for (size_t i = 0; i < m->n_headers; i++) {
        if (m->headers[i].p_type == type)
            return &m->headers[i];
    }
    return NULL;
}

static size_t padded(uint32_t n)
{
    return ((size_t)n + 3) & ~(size_t)3;
}

// The note of a build-id is padded to 4 bytes in any segment, also in those of 8 (it comes
// first or alone in the former, and has sizes that are multiples of 8 with its header in the
// latter).
insp_build_id insp_build_id_find(const unsigned char *bytes, size_t size)
{
    insp_build_id id = {0};
    Elf64_Nhdr note;
    for (size_t at = 0; size - at >= sizeof(note);) {
        memcpy(&note, bytes + at, sizeof(note));
        size_t name = at + sizeof(note);
        if (padded(note.n_namesz) > size - name)
            break;
        size_t desc = name + padded(note.n_namesz);
        if (note.n_descsz > size - desc)
            break;
        bool is_id = note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof(ELF_NOTE_GNU) &&
                     memcmp(bytes + name, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) == 0;
        if (is_id && note.n_descsz <= INSP_BUILD_ID_MAX) {
            id.len = (uint8_t)note.n_descsz;
            memcpy(id.bytes, bytes + desc, id.len);
            break;
        }
        if (padded(note.n_descsz) > size - desc)
            break;
        at = desc + padded(note.n_descsz);
    }
    return id;
}

insp_build_id insp_loaded_build_id(const insp_loaded *m)
{
    insp_build_id id = {0};
    for (size_t i = 0; i < m->n_headers && id.len == 0; i++) {
        const Elf64_Phdr *ph = &m->headers[i];
        if (ph->p_type != PT_NOTE || ph->p_filesz > MAX_NOTES)
            continue;
        const void *bytes =
            insp_space_at(m->space, m->bias + ph->p_vaddr, (size_t)ph->p_filesz);
        if (bytes)
            id = insp_build_id_find(bytes, (size_t)ph->p_filesz);
    }
    return id;
}

// The dynamic linker of most machines writes addresses over the values of the file; for some
// modules (the vDSO) nobody does.
static insp_addr relocated(const insp_loaded *m, uint64_t value)
{
    return value != 0 && value < m->start ? value + m->bias : value;
}

bool insp_loaded_dynamic(const insp_loaded *m, insp_dynamic *out)
{
    const Elf64_Phdr *ph = insp_loaded_header(m, PT_DYNAMIC);
    *out = (insp_dynamic){0};
    if (!ph)
        return false;
    out->addr = m->bias + ph->p_vaddr;
    for (size_t i = 0; i < MAX_DYNAMIC && i < ph->p_memsz / sizeof(Elf64_Dyn); i++) {
        Elf64_Dyn d;
        if (insp_space_read(m->space, out->addr + i * sizeof(d), &d, sizeof(d), NULL))
            return i > 0;
        if (d.d_tag == DT_NULL)
            break;
        if (d.d_tag == DT_STRTAB)
            out->strings = relocated(m, d.d_un.d_ptr);
        else if (d.d_tag == DT_SYMTAB)
            out->symbols = relocated(m, d.d_un.d_ptr);
        else if (d.d_tag == DT_GNU_HASH)
            out->gnu_hash = relocated(m, d.d_un.d_ptr);
        else if (d.d_tag == DT_HASH)
            out->hash = relocated(m, d.d_un.d_ptr);
        else if (d.d_tag == DT_DEBUG)
            out->debug = d.d_un.d_ptr;
        else if (d.d_tag == DT_STRSZ)
            out->strings_size = d.d_un.d_val;
        else if (d.d_tag == DT_SONAME)
            out->soname = d.d_un.d_val;
    }
    return true;
}

// The GNU hash table does not say how many symbols there are: the last chain ends at the last
// one.
static uint64_t count_by_gnu_hash(const insp_space *space, insp_addr table)
{
    bool ok = true;
    uint64_t n_buckets = insp_space_u32(space, table, &ok);
    uint64_t first = insp_space_u32(space, table + 4, &ok);
    uint64_t n_bloom = insp_space_u32(space, table + 8, &ok);
    insp_addr buckets = table + 16 + n_bloom * 8;
    uint64_t last = 0;
    if (n_buckets > INSP_LOADED_SYMBOLS)
        return 0;
    for (uint64_t i = 0; i < n_buckets && ok; i++) {
        uint32_t symbol = insp_space_u32(space, buckets + i * 4, &ok);
        last = symbol > last ? symbol : last;
    }
    if (!ok || last < first)
        return 0;
    insp_addr chain = buckets + n_buckets * 4 - first * 4;
    uint64_t end = last + INSP_LOADED_SYMBOLS;
    while (ok && last < end && !(insp_space_u32(space, chain + last * 4, &ok) & 1))
        last++;
    return ok ? last + 1 : 0;
}

uint64_t insp_loaded_symbol_count(const insp_space *space, const insp_dynamic *d)
{
    bool ok = true;
    uint64_t n = d->gnu_hash ? count_by_gnu_hash(space, d->gnu_hash) : 0;
    if (n == 0 && d->hash)
        n = insp_space_u32(space, d->hash + 4, &ok);
    // Linkers put the strings right behind the symbols.
    if (n == 0 && d->strings > d->symbols && d->symbols)
        n = (d->strings - d->symbols) / sizeof(Elf64_Sym);
    return n < INSP_LOADED_SYMBOLS ? n : INSP_LOADED_SYMBOLS;
}
