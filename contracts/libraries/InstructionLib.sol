// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title InstructionLib
/// @notice What RV32IM instructions compute, see docs/machine.md: everything about an instruction that needs no memory.
/// @dev Words, registers and addresses are 32 bits in a uint256. Results may have bits above those: who keeps one cuts.
library InstructionLib {
    uint256 internal constant LOAD = 0x03;
    uint256 internal constant FENCE = 0x0f;
    uint256 internal constant OP_IMM = 0x13;
    uint256 internal constant AUIPC = 0x17;
    uint256 internal constant STORE = 0x23;
    uint256 internal constant OP = 0x33;
    uint256 internal constant LUI = 0x37;
    uint256 internal constant BRANCH = 0x63;
    uint256 internal constant JALR = 0x67;
    uint256 internal constant JAL = 0x6f;
    /// @notice The one system instruction there is.
    uint256 internal constant ECALL = 0x73;

    uint256 private constant MULTIPLY = 0x01;
    uint256 private constant ALTERNATE = 0x20;
    uint256 private constant SIGN = 0x80000000;
    uint256 private constant WORD = 0xffffffff;

    /// @notice Which of a class of instructions it is.
    function funct3(uint256 word) internal pure returns (uint256) {
        return (word >> 12) & 7;
    }

    /// @notice Result of a computing instruction.
    /// @param a Register rs1.
    /// @param b Register rs2.
    /// @return legal Whether there is such an instruction.
    /// @return result Undefined if there is none.
    function compute(uint256 word, uint256 a, uint256 b) internal pure returns (bool legal, uint256 result) {
        uint256 f3 = funct3(word);
        uint256 f7 = word >> 25;
        if (word & 0x7f == OP) {
            if (f7 == MULTIPLY) return (true, f3 < 4 ? _multiply(f3, a, b) : _divide(f3, a, b));
            legal = f7 == 0 || (f7 == ALTERNATE && (f3 == 0 || f3 == 5));
        } else {
            b = immediate(word) & WORD;
            bool shift = f3 & 3 == 1;
            legal = !shift || f7 == 0 || (f7 == ALTERNATE && f3 == 5);
            if (!shift) f7 = 0;
        }
        result = f7 == 0 ? _compute(f3, a, b) : _alternate(f3, a, b);
    }

    /// @notice Whether a branch is taken.
    /// @return legal Whether there is such an instruction.
    /// @return taken Undefined if there is none.
    function branches(uint256 word, uint256 a, uint256 b) internal pure returns (bool legal, bool taken) {
        uint256 f3 = funct3(word);
        if (f3 < 4) taken = a == b;
        else if (f3 < 6) taken = (a ^ SIGN) < (b ^ SIGN);
        else taken = a < b;
        return (f3 >> 1 != 1, taken != (f3 & 1 == 1));
    }

    /// @notice Where a load or store goes to.
    /// @param a Register rs1.
    /// @return legal Whether there is such an instruction and the address is a multiple of the size.
    /// @return at_ Address of its first byte.
    /// @return bits Its size.
    function access(uint256 word, uint256 a) internal pure returns (bool legal, uint256 at_, uint256 bits) {
        unchecked {
            bool store = word & 0x7f == STORE;
            uint256 f3 = funct3(word);
            uint256 size = f3 & 3;
            uint256 offset = store ? _extend(((word >> 25) << 5) | ((word >> 7) & 31), 11) : immediate(word);
            at_ = (a + offset) & WORD;
            bits = 8 << size;
            legal = size != 3 && (store ? f3 < 4 : f3 != 6) && at_ & ((1 << size) - 1) == 0;
        }
    }

    /// @notice What a load makes of the bytes it found.
    /// @param found They, the first one lowest.
    function loaded(uint256 word, uint256 found, uint256 bits) internal pure returns (uint256) {
        unchecked {
            return funct3(word) < 4 ? _extend(found, bits - 1) : found;
        }
    }

    /// @notice Immediate of loads, of computing instructions, and of JALR.
    function immediate(uint256 word) internal pure returns (uint256) {
        return _extend(word >> 20, 11);
    }

    /// @notice How far a branch goes.
    function branchOffset(uint256 word) internal pure returns (uint256) {
        uint256 low = ((word >> 7) & 0x1e) | ((word >> 20) & 0x7e0);
        return _extend(low | ((word << 4) & 0x800) | ((word >> 19) & 0x1000), 12);
    }

    /// @notice How far a JAL goes.
    function jumpOffset(uint256 word) internal pure returns (uint256) {
        uint256 low = ((word >> 20) & 0x7fe) | ((word >> 9) & 0x800);
        return _extend(low | (word & 0xff000) | ((word >> 11) & 0x100000), 20);
    }

    /// @notice The four bytes of a word in the other order.
    function reversed(uint256 word) internal pure returns (uint256) {
        word = ((word & 0x00ff00ff) << 8) | ((word >> 8) & 0x00ff00ff);
        return ((word & 0xffff) << 16) | (word >> 16);
    }

    function _compute(uint256 f3, uint256 a, uint256 b) private pure returns (uint256) {
        unchecked {
            if (f3 == 0) return a + b;
            if (f3 == 1) return a << (b & 31);
            if (f3 == 2) return (a ^ SIGN) < (b ^ SIGN) ? 1 : 0;
            if (f3 == 3) return a < b ? 1 : 0;
            if (f3 == 4) return a ^ b;
            if (f3 == 5) return a >> (b & 31);
            return f3 == 6 ? a | b : a & b;
        }
    }

    /// @dev SUB, SRA.
    function _alternate(uint256 f3, uint256 a, uint256 b) private pure returns (uint256) {
        unchecked {
            return f3 == 0 ? a - b : _extend(a, 31) >> (b & 31);
        }
    }

    /// @dev MUL, MULH, MULHSU, MULHU.
    function _multiply(uint256 f3, uint256 a, uint256 b) private pure returns (uint256) {
        unchecked {
            if (f3 == 1 || f3 == 2) a = _extend(a, 31);
            if (f3 == 1) b = _extend(b, 31);
            return f3 == 0 ? a * b : (a * b) >> 32;
        }
    }

    /// @dev DIV, DIVU, REM, REMU. INT_MIN / -1 is 2^31 in 256 bits, which is INT_MIN in 32.
    function _divide(uint256 f3, uint256 a, uint256 b) private pure returns (uint256) {
        unchecked {
            if (b == 0) return f3 < 6 ? WORD : a;
            if (f3 & 1 == 1) return f3 == 5 ? a / b : a % b;
            (int256 left, int256 right) = (int256(_extend(a, 31)), int256(_extend(b, 31)));
            return uint256(f3 == 4 ? left / right : left % right);
        }
    }

    /// @dev From a sign at bit `top` to 256 bits.
    function _extend(uint256 value, uint256 top) private pure returns (uint256) {
        unchecked {
            uint256 sign = 1 << top;
            return (value ^ sign) - sign;
        }
    }
}
