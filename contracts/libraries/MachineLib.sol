// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMachine} from "../interfaces/IMachine.sol";
import {InstructionLib} from "./InstructionLib.sol";
import {MemoryLib} from "./MemoryLib.sol";

/// @title MachineLib
/// @notice See {IMachine}.
/// @dev A state is 201 bytes: `memory root (32) ‖ code root (32) ‖ core`; a core is 137: `pc (4) ‖ x1 … x31 (4 each) ‖
/// steps (8) ‖ status (1)`. Every state has a next one: what is no instruction traps, what does not run stays.
library MachineLib {
    /// @dev A step being made.
    /// @param state Where the state's bytes are in memory.
    /// @param cursor Where the witness goes on in calldata.
    /// @param next The pc after the step, unless it ends the run.
    /// @param rd Register to write; 0 if none.
    /// @param value What to write there, in its lowest 32 bits.
    /// @param status After the step.
    struct Step {
        uint256 state;
        uint256 cursor;
        uint256 pc;
        uint256 next;
        uint256 rd;
        uint256 value;
        uint256 status;
    }

    uint256 internal constant RUNNING = 0;
    uint256 internal constant HALTED = 1;
    uint256 internal constant TRAPPED = 2;
    /// @notice Bytes of a core.
    uint256 internal constant CORE = 137;
    /// @notice Bytes of a state.
    uint256 internal constant STATE = 201;

    uint256 private constant CODE_ROOT_AT = 32;
    uint256 private constant CORE_AT = 64;
    /// @dev Of the word that ends with the status.
    uint256 private constant LAST_AT = 169;
    uint256 private constant CODE = 0x80000000 >> 22; // 4 MiB from there
    uint256 private constant DATA = 0x80000000 >> 26; // 64 MiB from there
    uint256 private constant LEAF = 32;

    /// @notice See {IMachine-step}.
    function step(bytes calldata witness) internal pure returns (bytes32 pre, bytes32 post) {
        Step memory self = _begin(witness);
        bytes memory zeros = MemoryLib.zeros();
        bool runs = statusAt(self.state) == RUNNING;
        uint256 word = 0; // is no instruction, and traps
        if (runs && self.pc >> 22 == CODE && self.pc & 3 == 0) word = _fetch(self, zeros);
        else _takeRoot(self, CODE_ROOT_AT);
        (bool accesses, uint256 at_, uint256 bits) = _accessOf(self.state, word);
        if (accesses) {
            pre = _access(self, zeros, word, at_, bits);
        } else {
            _takeRoot(self, 0);
            pre = hashOf(self.state);
            _execute(self, word);
        }
        uint256 end;
        assembly ("memory-safe") {
            end := add(witness.offset, witness.length)
        }
        require(self.cursor == end, IMachine.MachineBadWitness());
        if (!runs) return (pre, pre);
        _finish(self);
        post = hashOf(self.state);
    }

    /// @notice Hash of the state that is there in memory.
    function hashOf(uint256 state) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            hash := keccak256(state, STATE)
        }
    }

    /// @notice Whether the state that is there in memory runs, or how it ended.
    function statusAt(uint256 state) internal pure returns (uint256) {
        return _wordAt(state + LAST_AT) & 0xff;
    }

    function _begin(bytes calldata witness) private pure returns (Step memory self) {
        require(witness.length >= CORE, IMachine.MachineBadWitness());
        uint256 state;
        uint256 cursor;
        assembly ("memory-safe") {
            state := mload(0x40)
            mstore(0x40, add(state, 224))
            calldatacopy(add(state, CORE_AT), witness.offset, CORE)
            cursor := add(witness.offset, CORE)
        }
        (self.state, self.cursor) = (state, cursor);
        self.pc = _wordAt(state + CORE_AT) >> 224;
    }

    /// @notice Takes a root that stands in the witness.
    function _takeRoot(Step memory self, uint256 at_) private pure {
        _setWord(self.state + at_, _inCalldata(self.cursor));
        self.cursor += 32;
    }

    /// @notice The instruction at the pc, by its leaf; what that leads to is the code's root.
    function _fetch(Step memory self, bytes memory zeros) private pure returns (uint256 word) {
        unchecked {
            (uint256 state, uint256 pc) = (self.state, self.pc);
            uint256 leaf = _inCalldata(self.cursor);
            uint256 index = (pc >> 5) & ((1 << MemoryLib.CODE_DEPTH) - 1);
            bytes32 root;
            (root, self.cursor) = MemoryLib.climb(
                zeros,
                bytes32(leaf),
                index,
                MemoryLib.CODE_DEPTH,
                self.cursor + LEAF
            );
            _setWord(state + CODE_ROOT_AT, uint256(root));
            word = InstructionLib.reversed(uint32(leaf >> (224 - ((pc & 31) << 3))));
        }
    }

    /// @notice Whether an instruction is a load or store that does not trap, and what it goes to.
    function _accessOf(uint256 state, uint256 word) private pure returns (bool accesses, uint256 at_, uint256 bits) {
        uint256 opcode = word & 0x7f;
        if (opcode != InstructionLib.LOAD && opcode != InstructionLib.STORE) return (false, 0, 0);
        (accesses, at_, bits) = InstructionLib.access(word, _register(state, word >> 15));
        accesses = accesses && at_ >> 26 == DATA;
    }

    /// @notice Loads or stores, by the leaf it goes to; what that leads to is the memory's root.
    function _access(
        Step memory self,
        bytes memory zeros,
        uint256 word,
        uint256 at_,
        uint256 bits
    ) private pure returns (bytes32 pre) {
        unchecked {
            (uint256 state, uint256 cursor) = (self.state, self.cursor);
            uint256 leaf = _inCalldata(cursor);
            uint256 index = (at_ >> 5) & ((1 << MemoryLib.DATA_DEPTH) - 1);
            bytes32 root;
            (root, self.cursor) = MemoryLib.climb(zeros, bytes32(leaf), index, MemoryLib.DATA_DEPTH, cursor + LEAF);
            _setWord(state, uint256(root));
            pre = hashOf(state);
            self.next = self.pc + 4;

            uint256 shift = 256 - bits - ((at_ & 31) << 3); // of the value in the leaf
            uint256 mask = ((1 << bits) - 1) << shift;
            if (word & 0x7f == InstructionLib.LOAD) {
                uint256 found = InstructionLib.reversed(((leaf & mask) >> shift) << (32 - bits));
                (self.rd, self.value) = (_rd(word), InstructionLib.loaded(word, found, bits));
            } else {
                uint256 stored = InstructionLib.reversed(_register(state, word >> 20)) >> (32 - bits);
                leaf = (leaf & ~mask) | (stored << shift);
                (root, ) = MemoryLib.climb(zeros, bytes32(leaf), index, MemoryLib.DATA_DEPTH, cursor + LEAF);
                _setWord(state, uint256(root));
            }
        }
    }

    /// @notice What an instruction does that is no load or store, or traps.
    function _execute(Step memory self, uint256 word) private pure {
        unchecked {
            uint256 opcode = word & 0x7f;
            self.next = self.pc + 4;
            if (opcode == InstructionLib.OP_IMM || opcode == InstructionLib.OP) _compute(self, word);
            else if (opcode == InstructionLib.BRANCH) _branch(self, word);
            else if (opcode == InstructionLib.JAL) _jump(self, word, self.pc + InstructionLib.jumpOffset(word));
            else if (opcode == InstructionLib.JALR) _jumpTo(self, word);
            else if (opcode == InstructionLib.LUI) (self.rd, self.value) = (_rd(word), word & ~uint256(0xfff));
            else if (opcode == InstructionLib.AUIPC) {
                (self.rd, self.value) = (_rd(word), self.pc + (word & ~uint256(0xfff)));
            } else if (opcode != InstructionLib.FENCE || InstructionLib.funct3(word) != 0) {
                self.status = word == InstructionLib.ECALL ? HALTED : TRAPPED;
            }
        }
    }

    function _compute(Step memory self, uint256 word) private pure {
        uint256 state = self.state;
        (uint256 a, uint256 b) = (_register(state, word >> 15), _register(state, word >> 20));
        (bool legal, uint256 result) = InstructionLib.compute(word, a, b);
        if (legal) (self.rd, self.value) = (_rd(word), result);
        else self.status = TRAPPED;
    }

    function _branch(Step memory self, uint256 word) private pure {
        uint256 state = self.state;
        (uint256 a, uint256 b) = (_register(state, word >> 15), _register(state, word >> 20));
        (bool legal, bool taken) = InstructionLib.branches(word, a, b);
        unchecked {
            uint256 target = self.pc + InstructionLib.branchOffset(word);
            if (legal && taken) self.next = target;
            if (!legal || (taken && target & 3 != 0)) self.status = TRAPPED;
        }
    }

    function _jumpTo(Step memory self, uint256 word) private pure {
        if (InstructionLib.funct3(word) != 0) {
            self.status = TRAPPED;
            return;
        }
        unchecked {
            uint256 target = _register(self.state, word >> 15) + InstructionLib.immediate(word);
            _jump(self, word, target & ~uint256(1));
        }
    }

    function _jump(Step memory self, uint256 word, uint256 target) private pure {
        if (target & 3 == 0) (self.rd, self.value, self.next) = (_rd(word), self.next, target);
        else self.status = TRAPPED;
    }

    /// @notice Writes what the step did into the state; what ends a run changes neither pc nor registers.
    function _finish(Step memory self) private pure {
        unchecked {
            (uint256 state, uint256 status) = (self.state, self.status);
            if (status == RUNNING) {
                _setTop(state + CORE_AT, self.next);
                if (self.rd != 0) _setTop(state + CORE_AT + 4 * self.rd, self.value);
            }
            uint256 last = _wordAt(state + LAST_AT);
            uint256 steps = uint64((last >> 8) + 1);
            _setWord(state + LAST_AT, ((last >> 72) << 72) | (steps << 8) | status);
        }
    }

    function _rd(uint256 word) private pure returns (uint256) {
        return (word >> 7) & 31;
    }

    /// @dev Register whose number is in the lowest five bits.
    function _register(uint256 state, uint256 number) private pure returns (uint256) {
        unchecked {
            number &= 31;
            // x0 has no place: the pc is where it would be
            return number == 0 ? 0 : _wordAt(state + CORE_AT + 4 * number) >> 224;
        }
    }

    function _inCalldata(uint256 at_) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(at_)
        }
    }

    function _wordAt(uint256 at_) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(at_)
        }
    }

    function _setWord(uint256 at_, uint256 word) private pure {
        assembly ("memory-safe") {
            mstore(at_, word)
        }
    }

    /// @dev Sets the four bytes there.
    function _setTop(uint256 at_, uint256 value) private pure {
        _setWord(at_, (value << 224) | (_wordAt(at_) & type(uint224).max));
    }
}
