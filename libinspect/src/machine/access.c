// SPDX-License-Identifier: MIT
#include "access.h"

#include <string.h>

#include "zydis.h"

const char *insp_gpr_name(unsigned gpr)
{
    static const char *const names[INSP_GPRS] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp",
                                                 "rsi", "rdi", "r8",  "r9",  "r10", "r11",
                                                 "r12", "r13", "r14", "r15"};
    return gpr < INSP_GPRS ? names[gpr] : "";
}

// The number of a general register of any width, INSP_NO_GPR for another one.
static uint8_t gpr_of(ZydisRegister reg)
{
    ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
    if (ZydisRegisterGetClass(whole) != ZYDIS_REGCLASS_GPR64)
        return INSP_NO_GPR;
    return (uint8_t)ZydisRegisterGetId(whole);
}

static insp_access_mem read_mem(const ZydisDecodedOperand *from, uint64_t next)
{
    const ZydisDecodedOperandMem *mem = &from->mem;
    insp_access_mem out = {.base = gpr_of(mem->base),
                           .index = gpr_of(mem->index),
                           .scale = mem->scale,
                           .size = (uint8_t)(from->size / 8 < 64 ? from->size / 8 : 64),
                           .read = from->actions & ZYDIS_OPERAND_ACTION_MASK_READ,
                           .write = from->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE,
                           .disp = (uint64_t)mem->disp.value};
    bool relative = mem->base == ZYDIS_REGISTER_RIP;
    if (relative)
        out.disp += next;
    out.odd = mem->segment == ZYDIS_REGISTER_FS || mem->segment == ZYDIS_REGISTER_GS ||
              (mem->base != ZYDIS_REGISTER_NONE && !relative && out.base == INSP_NO_GPR) ||
              (mem->index != ZYDIS_REGISTER_NONE && out.index == INSP_NO_GPR);
    return out;
}

// What is pushed lies below the stack pointer as it was before.
static void read_operands(const insp_zydis *d, uint64_t next, insp_instruction *out)
{
    for (size_t i = 0; i < d->in.operand_count; i++) {
        const ZydisDecodedOperand *op = insp_zydis_operand(d, i);
        if (op->type == ZYDIS_OPERAND_TYPE_REGISTER &&
            op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) {
            uint8_t gpr = gpr_of(op->reg.value);
            out->writes = (uint16_t)(out->writes | (gpr < INSP_GPRS ? 1u << gpr : 0u));
        }
        if (op->type != ZYDIS_OPERAND_TYPE_MEMORY || out->n_mems == 2 ||
            !(op->actions & (ZYDIS_OPERAND_ACTION_MASK_READ | ZYDIS_OPERAND_ACTION_MASK_WRITE)))
            continue;
        insp_access_mem mem = read_mem(op, next);
        bool hidden = op->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN;
        if (hidden && mem.base == INSP_RSP && mem.write)
            mem.disp -= mem.size;
        out->mem[out->n_mems++] = mem;
    }
}

static void read_move(const insp_zydis *d, insp_instruction *out)
{
    const ZydisDecodedOperand *to = insp_zydis_operand(d, 0), *from = insp_zydis_operand(d, 1);
    if (d->in.mnemonic != ZYDIS_MNEMONIC_MOV || to->type != ZYDIS_OPERAND_TYPE_REGISTER ||
        to->size != 64)
        return;
    uint8_t gpr = gpr_of(to->reg.value);
    out->loads = from->type == ZYDIS_OPERAND_TYPE_MEMORY;
    if (out->loads)
        out->to = gpr;
    if (from->type == ZYDIS_OPERAND_TYPE_REGISTER) {
        out->to = gpr;
        out->from = gpr_of(from->reg.value);
    }
}

bool insp_instruction_read(const unsigned char *bytes, size_t n, uint64_t addr,
                           insp_instruction *out)
{
    insp_zydis d;
    *out = (insp_instruction){.name = "", .to = INSP_NO_GPR, .from = INSP_NO_GPR};
    if (!insp_zydis_read(bytes, n, &d))
        return false;
    const char *name = ZydisMnemonicGetString(d.in.mnemonic);
    out->name = name ? name : "";
    out->length = d.in.length;
    read_operands(&d, addr + d.in.length, out);
    if (d.in.operand_count >= 2)
        read_move(&d, out);
    out->calls = d.in.meta.category == ZYDIS_CATEGORY_CALL;
    out->leaves = d.in.meta.category == ZYDIS_CATEGORY_UNCOND_BR ||
                  d.in.meta.category == ZYDIS_CATEGORY_RET ||
                  d.in.mnemonic == ZYDIS_MNEMONIC_UD2 || d.in.mnemonic == ZYDIS_MNEMONIC_HLT;
    return true;
}
