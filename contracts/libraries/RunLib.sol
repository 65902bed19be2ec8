// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {ICourt} from "../interfaces/ICourt.sol";
import {IReferee} from "../interfaces/IReferee.sol";
import {MachineLib} from "./MachineLib.sol";
import {MemoryLib} from "./MemoryLib.sol";
import {WorkLib} from "./WorkLib.sol";

/// @title RunLib
/// @notice Opens what a receipt for provable work says of a run, see docs/machine.md: what ran, on what, how long, and
/// the states it began and ended in.
/// @dev The bytes: started at (8) ‖ ended at (8) ‖ order's index (8) ‖ maximum in units (6) ‖ input's length (4) ‖ root
/// of its tree (32) ‖ code root (32) ‖ root of the program region (32) ‖ entry (4) ‖ at the end: root of the program
/// region (32), root of the output's tree, or of the output region if the output is empty (32), root of the input
/// region (32), core (137).
library RunLib {
    /// @notice Bytes of an opening.
    uint256 internal constant LENGTH = 367;
    /// @notice Instructions of one unit.
    uint256 internal constant PER_UNIT = 1_000_000;

    uint256 private constant INDEX_AT = 16;
    uint256 private constant MAXIMUM_AT = 24;
    uint256 private constant INPUT_AT = 30;
    uint256 private constant INPUT_TREE_AT = 34;
    uint256 private constant CODE_AT = 66;
    uint256 private constant PROGRAM_AT = 98;
    uint256 private constant ENTRY_AT = 130;
    uint256 private constant FINAL_PROGRAM_AT = 134;
    uint256 private constant OUTPUT_AT = 166;
    uint256 private constant FINAL_INPUT_AT = 198;
    uint256 private constant CORE_AT = 230;
    /// @dev In a core.
    uint256 private constant A1_AT = 44;
    uint256 private constant STEPS_AT = 128;
    uint256 private constant STATUS_AT = 136;

    uint256 private constant PAGE_DEPTH = 7;
    /// @dev Of the input and output regions.
    uint256 private constant REGION_DEPTH = 19;
    uint256 private constant REGION = 2 ** 24;
    uint256 private constant LEAF_SHIFT = 5;

    /// @notice Opens a claim.
    /// @param opening The bytes; there are at least {LENGTH}.
    /// @return steps Of the whole run, at least 1.
    /// @return initial Hash of the first state, by program and input.
    /// @return final_ Hash of the last state.
    function open(
        IReferee.Claim calldata claim,
        bytes calldata opening
    ) internal pure returns (uint256 steps, bytes32 initial, bytes32 final_) {
        bytes memory zeros = MemoryLib.zeros();
        uint256 status = _uint(opening, CORE_AT + STATUS_AT, 8);
        uint256 maximum = _uint(opening, MAXIMUM_AT, 48);
        steps = _uint(opening, CORE_AT + STEPS_AT, 64);
        _requireUnits(claim.units, maximum, steps, status);

        bytes32 inputRoot;
        (initial, inputRoot) = _initial(claim, opening, zeros);
        bytes32 outputRoot;
        (final_, outputRoot) = _final(opening, zeros, status);
        uint64 index = uint64(_uint(opening, INDEX_AT, 64));
        bytes32 task = WorkLib.taskHash(claim.key, ICourt.Order(index, inputRoot, uint48(maximum)));
        bytes32 commitment = keccak256(abi.encode(outputRoot, keccak256(abi.encode(outputRoot, final_))));
        (uint256 startedAt, uint256 endedAt) = (_uint(opening, 0, 64), _uint(opening, 8, 64));
        bytes32 workHash = keccak256(abi.encode(task, commitment, startedAt, endedAt));
        require(workHash == claim.workHash, IReferee.RefereeBadMove());
    }

    /// @dev A run either ended within its maximum, or was cut off just there.
    function _requireUnits(uint256 units, uint256 maximum, uint256 steps, uint256 status) private pure {
        uint256 most = maximum * PER_UNIT;
        bool ended = status == MachineLib.HALTED || status == MachineLib.TRAPPED;
        bool cutOff = status == MachineLib.RUNNING && steps == most;
        bool billed = units == Math.ceilDiv(steps, PER_UNIT);
        require(billed && steps != 0 && steps <= most && (ended || cutOff), IReferee.RefereeBadMove());
    }

    /// @dev The program in its region, the input in its own, zeros elsewhere; the input's length in x10.
    function _initial(
        IReferee.Claim calldata claim,
        bytes calldata opening,
        bytes memory zeros
    ) private pure returns (bytes32 initial, bytes32 inputRoot) {
        (bytes32 codeRoot, bytes32 program) = (_word(opening, CODE_AT), _word(opening, PROGRAM_AT));
        uint256 entry = _uint(opening, ENTRY_AT, 32);
        bytes32 opened = keccak256(abi.encode(codeRoot, program, entry));
        uint256 length = _uint(opening, INPUT_AT, 32);
        require(opened == claim.program && length <= REGION, IReferee.RefereeBadMove());
        bytes32 tree = _word(opening, INPUT_TREE_AT);
        inputRoot = keccak256(abi.encode(length, tree));

        bytes32 input = MemoryLib.extend(zeros, tree, _depthOf(length), REGION_DEPTH);
        bytes32 right = MemoryLib.pair(MemoryLib.zeroAt(zeros, REGION_DEPTH), input);
        bytes32 memoryRoot = MemoryLib.pair(program, right);
        initial = keccak256(
            abi.encodePacked(memoryRoot, codeRoot, uint32(entry), new bytes(36), uint32(length), new bytes(93))
        );
    }

    /// @dev An output is in its region, and zeros behind it; only a run that halted has one.
    function _final(
        bytes calldata opening,
        bytes memory zeros,
        uint256 status
    ) private pure returns (bytes32 final_, bytes32 outputRoot) {
        uint256 length = _uint(opening, CORE_AT + A1_AT, 32);
        bytes32 region = _word(opening, OUTPUT_AT);
        if (status == MachineLib.HALTED && length != 0 && length <= REGION) {
            outputRoot = keccak256(abi.encode(length, region));
            region = MemoryLib.extend(zeros, region, _depthOf(length), REGION_DEPTH);
        } else {
            outputRoot = keccak256(abi.encode(0, MemoryLib.zeroAt(zeros, PAGE_DEPTH)));
        }
        bytes32 right = MemoryLib.pair(region, _word(opening, FINAL_INPUT_AT));
        bytes32 memoryRoot = MemoryLib.pair(_word(opening, FINAL_PROGRAM_AT), right);
        bytes calldata core = opening[CORE_AT:LENGTH];
        final_ = keccak256(abi.encodePacked(memoryRoot, _word(opening, CODE_AT), core));
    }

    /// @dev Levels of the smallest tree over whole pages, a power of two of them, that holds so many bytes.
    function _depthOf(uint256 length) private pure returns (uint256) {
        return Math.max(PAGE_DEPTH + LEAF_SHIFT, Math.log2(length, Math.Rounding.Ceil)) - LEAF_SHIFT;
    }

    function _uint(bytes calldata opening, uint256 at_, uint256 bits) private pure returns (uint256) {
        return uint256(_word(opening, at_)) >> (256 - bits);
    }

    /// @dev Its callers know that the opening is long enough.
    function _word(bytes calldata opening, uint256 at_) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := calldataload(add(opening.offset, at_))
        }
    }
}
