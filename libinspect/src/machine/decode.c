// SPDX-License-Identifier: MIT
#include "fast.h"
#include "table.h"
#include "zydis.h"

// ---- operands ------------------------------------------------------------------------------

static bool read_register(const ZydisDecodedOperand *from, insp_op *op, size_t i)
{
    ZydisRegister reg = from->reg.value;
    unsigned id = 0;
    switch (ZydisRegisterGetClass(reg)) {
    case ZYDIS_REGCLASS_GPR8:
        // al cl dl bl, ah ch dh bh, spl bpl sil dil, r8b …
        id = (unsigned)reg - ZYDIS_REGISTER_AL;
        op->kind[i] = id >= 4 && id < 8 ? INSP_ARG_HIGH : INSP_ARG_REG;
        op->reg[i] = (uint8_t)(id < 4 ? id : id - 4);
        return true;
    case ZYDIS_REGCLASS_GPR16:
    case ZYDIS_REGCLASS_GPR32:
    case ZYDIS_REGCLASS_GPR64:
        op->kind[i] = INSP_ARG_REG;
        break;
    case ZYDIS_REGCLASS_XMM:
    case ZYDIS_REGCLASS_YMM:
    case ZYDIS_REGCLASS_ZMM:
        op->kind[i] = INSP_ARG_VEC;
        break;
    case ZYDIS_REGCLASS_MASK:
        op->kind[i] = INSP_ARG_MASK;
        break;
    default:
        return false;
    }
    op->reg[i] = (uint8_t)ZydisRegisterGetId(reg);
    return op->reg[i] < (op->kind[i] == INSP_ARG_VEC    ? 32
                         : op->kind[i] == INSP_ARG_MASK ? 8
                                                        : 16);
}

// The number of a base or index register; INSP_ZERO for none; more than that for another one.
static uint8_t address_register(ZydisRegister reg, insp_op *op)
{
    if (reg == ZYDIS_REGISTER_NONE || reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP)
        return INSP_ZERO;
    ZydisRegisterClass class = ZydisRegisterGetClass(reg);
    if (class != ZYDIS_REGCLASS_GPR64 && class != ZYDIS_REGCLASS_GPR32)
        return INSP_REGISTERS;
    if (class == ZYDIS_REGCLASS_GPR32)
        op->flags |= INSP_OP_EA32;
    return (uint8_t)ZydisRegisterGetId(reg);
}

static bool read_memory(const insp_machine *m, const ZydisDecodedOperand *from, insp_op *op,
                        size_t i)
{
    const ZydisDecodedOperandMem *mem = &from->mem;
    op->kind[i] = INSP_ARG_MEM;
    op->base = address_register(mem->base, op);
    op->index = address_register(mem->index, op);
    op->shift = (uint8_t)(mem->scale > 1 ? __builtin_ctz(mem->scale) : 0);
    op->disp = (uint64_t)mem->disp.value;
    if (mem->base == ZYDIS_REGISTER_RIP || mem->base == ZYDIS_REGISTER_EIP)
        op->disp += op->addr + op->length;
    if (mem->base == ZYDIS_REGISTER_EIP)
        op->flags |= INSP_OP_EA32;
    if (mem->segment == ZYDIS_REGISTER_FS)
        op->disp += m->thread_pointer;
    bool odd = mem->segment == ZYDIS_REGISTER_GS ||
               (mem->segment == ZYDIS_REGISTER_FS && op->flags & INSP_OP_EA32);
    return !odd && op->base <= INSP_ZERO && op->index <= INSP_ZERO;
}

static bool read_operand(const insp_machine *m, const ZydisDecodedOperand *from, insp_op *op,
                         size_t i)
{
    op->size[i] = (uint8_t)(from->size / 8);
    switch (from->type) {
    case ZYDIS_OPERAND_TYPE_REGISTER:
        return read_register(from, op, i);
    case ZYDIS_OPERAND_TYPE_MEMORY:
        return read_memory(m, from, op, i);
    case ZYDIS_OPERAND_TYPE_IMMEDIATE:
        op->kind[i] = INSP_ARG_IMM;
        op->imm = from->imm.value.u;
        return true;
    default:
        return false;
    }
}

// What follows three operands: an immediate, or the register that the blends of AVX end with.
static bool read_fourth(const ZydisDecodedOperand *from, insp_op *op)
{
    if (from->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
        op->imm = from->imm.value.u;
    else if (from->type == ZYDIS_OPERAND_TYPE_REGISTER)
        op->imm = (uint64_t)ZydisRegisterGetId(from->reg.value);
    else
        return false;
    return true;
}

static bool read_operands(const insp_machine *m, const insp_zydis *d, insp_op *op)
{
    size_t n = 0;
    for (size_t i = 0; i < d->in.operand_count; i++) {
        const ZydisDecodedOperand *from = insp_zydis_operand(d, i);
        if (from->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN)
            return true;
        if (from->encoding == ZYDIS_OPERAND_ENCODING_MASK) {
            // k0 there means that nothing is masked.
            op->mask = (uint8_t)ZydisRegisterGetId(from->reg.value);
            continue;
        }
        if (n > 3 || !(n < 3 ? read_operand(m, from, op, n) : read_fourth(from, op)))
            return false;
        n++;
    }
    return true;
}

// ---- forms ---------------------------------------------------------------------------------

// Make room for the source that an instruction without VEX shares with its destination.
static void repeat_destination(insp_op *op)
{
    for (size_t i = 2; i > 0; i--) {
        op->kind[i] = op->kind[i - 1];
        op->reg[i] = op->reg[i - 1];
        op->size[i] = op->size[i - 1];
    }
}

static bool read_jump(const insp_machine *m, const insp_zydis *d, insp_op *op)
{
    const ZydisDecodedOperand *to = insp_zydis_operand(d, 0);
    if (to->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
        op->imm = op->addr + op->length + to->imm.value.u;
        if (d->in.address_width == 32)
            op->flags |= INSP_OP_EA32;
        return to->imm.is_relative;
    }
    op->run = op->run == insp_op_call ? insp_op_call_to : insp_op_jmp_to;
    return d->in.meta.branch_type == ZYDIS_BRANCH_TYPE_NEAR && read_operand(m, to, op, 0);
}

static bool read_string(const insp_zydis *d, insp_op *op)
{
    // Zydis calls the prefix rep, repe or repne by what the instruction makes of it.
    if (d->in.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE))
        op->flags |= INSP_OP_REPE;
    if (d->in.attributes & ZYDIS_ATTRIB_HAS_REPNE)
        op->flags |= INSP_OP_REPNE;
    return d->in.address_width == 64 &&
           !(d->in.attributes & (ZYDIS_ATTRIB_HAS_SEGMENT_FS | ZYDIS_ATTRIB_HAS_SEGMENT_GS));
}

static bool read_form(const insp_machine *m, const insp_zydis *d, unsigned form, insp_op *op)
{
    switch (form) {
    case INSP_FORM_NONE:
        return true;
    case INSP_FORM_JUMP:
        return read_jump(m, d, op);
    case INSP_FORM_STRING:
        return read_string(d, op);
    default:
        if (!read_operands(m, d, op))
            return false;
        if (form == INSP_FORM_THREE && !(op->flags & INSP_OP_VEX))
            repeat_destination(op);
        return true;
    }
}

static bool read_encoding(const insp_zydis *d, const insp_recipe *recipe, insp_op *op)
{
    switch (d->in.encoding) {
    case ZYDIS_INSTRUCTION_ENCODING_LEGACY:
        return true;
    case ZYDIS_INSTRUCTION_ENCODING_VEX:
        op->flags = INSP_OP_VEX;
        return true;
    case ZYDIS_INSTRUCTION_ENCODING_EVEX:
        op->flags = INSP_OP_VEX;
        if (d->in.avx.mask.mode == ZYDIS_MASK_MODE_ZEROING)
            op->flags |= INSP_OP_ZERO;
        return recipe->form & INSP_FORM_EVEX &&
               (d->in.avx.broadcast.mode == ZYDIS_BROADCAST_MODE_INVALID ||
                d->in.avx.broadcast.is_static);
    default:
        return false;
    }
}

bool insp_x86_decode(const insp_machine *m, const unsigned char *bytes, size_t n, insp_op *op)
{
    insp_zydis d;
    *op = (insp_op){.addr = op->addr, .base = INSP_ZERO, .index = INSP_ZERO, .length = 1};
    op->run = insp_op_unsupported;
    if (!insp_zydis_read(bytes, n, &d))
        return true;
    bool is_string = d.in.meta.category == ZYDIS_CATEGORY_STRINGOP;
    const insp_recipe *recipe = insp_recipe_of(d.in.mnemonic, is_string);
    op->mnemonic = (uint16_t)d.in.mnemonic;
    op->length = d.in.length;
    op->variant = recipe->variant;
    op->width = recipe->width ? recipe->width : (uint8_t)(d.in.operand_width / 8);
    if (!recipe->run || !read_encoding(&d, recipe, op))
        return true;
    op->run = recipe->run;
    bool last = recipe->form & INSP_FORM_LAST;
    if (read_form(m, &d, recipe->form % INSP_FORM_LAST, op)) {
        op->run = insp_fast(op);
        return last;
    }
    op->run = insp_op_unsupported;
    return true;
}

const char *insp_x86_name(const insp_op *op)
{
    const char *name = ZydisMnemonicGetString((ZydisMnemonic)op->mnemonic);
    return name ? name : "?";
}
