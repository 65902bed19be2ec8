// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IReferee} from "./interfaces/IReferee.sol";
import {ListLib} from "./libraries/ListLib.sol";
import {MachineLib} from "./libraries/MachineLib.sol";
import {RunLib} from "./libraries/RunLib.sol";
import {Machine} from "./base/Machine.sol";

/// @title BisectionReferee
/// @notice Judges provable work: both sides take turns to state the run in sixteen parts, each within the first part of
/// the other's that it disagrees with, until one step is left, which the challenger proves. See docs/machine.md.
/// @dev A state of the game is empty, the asserter opens the receipt; or `lo (8) ‖ steps of the run (8) ‖ level (1) ‖
/// state hash at lo (32) ‖ root of the list (32)`, of the list that waits for an answer. A list at level l states the
/// state hash at the end of each part of 16^(l − 1) steps from lo on, the last part ending with the run. The asserter's
/// lists are at odd levels, the challenger's at even ones, so no state need say whose turn it is.
///
/// Moves. Opening: see {RunLib}, then the first list. Answer: part (1) ‖ the entry before it (32), unless it is part 0
/// ‖ its entry (32) ‖ siblings of both (32 each) ‖ the list one level down. To a list at level 1 not a list but the
/// witness of the part's one step, see {IMachine}.
/// @custom:invariant an answer's list ends otherwise than the entry it answers
/// @custom:invariant who runs the program right always has a move that does not lose
contract BisectionReferee is Machine, IReferee {
    /// @dev A list that waits for an answer.
    struct Position {
        uint256 lo;
        uint256 steps;
        uint256 level;
        bytes32 from;
        bytes32 root;
    }

    uint256 private constant POSITION = 81;
    uint256 private constant WORD = 32;

    /// @inheritdoc IReferee
    function next(
        Claim calldata claim,
        bytes calldata state,
        Turn turn,
        bytes calldata move
    ) external pure returns (bytes memory after_, Turn then_) {
        return state.length == 0 ? _open(claim, move) : _answer(state, turn, move);
    }

    /// @inheritdoc IReferee
    function advance(
        bytes calldata state,
        Turn turn,
        bytes calldata move
    ) external pure returns (bytes memory after_, Turn then_) {
        require(state.length != 0, RefereeNeedsClaim());
        return _answer(state, turn, move);
    }

    /// @inheritdoc IReferee
    function first(Claim calldata) external pure returns (bytes memory state, Turn turn) {
        return ("", Turn.Asserter);
    }

    /// @inheritdoc IReferee
    function moves(Claim calldata claim) external pure returns (uint16 asserter, uint16 challenger) {
        uint256 levels = ListLib.levelsOf(claim.units * RunLib.PER_UNIT);
        asserter = uint16(1 + levels / 2);
        // as many lists and a proof, or one list less
        challenger = asserter;
    }

    function _open(Claim calldata claim, bytes calldata move) private pure returns (bytes memory, Turn) {
        require(move.length >= RunLib.LENGTH, RefereeBadMove());
        (uint256 steps, bytes32 initial, bytes32 final_) = RunLib.open(claim, move);
        uint256 level = ListLib.levelsOf(steps);
        // odd, so that the last list is the asserter's: where that is a level more, the list is the final state only
        if (level & 1 == 0) ++level;
        (bytes memory state, bytes32 last) = _listed(0, steps, level, initial, move[RunLib.LENGTH:]);
        require(last == final_, RefereeBadMove());
        return (state, Turn.Challenger);
    }

    function _answer(bytes calldata state, Turn turn, bytes calldata move) private pure returns (bytes memory, Turn) {
        Position memory self = _positionOf(state);
        uint256 part = move.length == 0 ? ListLib.ARITY : uint8(move[0]);
        require(part < ListLib.countOf(self.lo, self.steps, self.level), RefereeBadMove());
        (bytes32 before, bytes32 entry, uint256 read) = _shown(self, part, move);
        if (self.level == 1) {
            _requireStep(before, entry, move[read:]);
            return ("", Turn.ChallengerWon);
        }
        uint256 lo = self.lo + part * ListLib.partSize(self.level);
        (bytes memory after_, bytes32 last) = _listed(lo, self.steps, self.level - 1, before, move[read:]);
        require(last != entry, RefereeBadMove());
        return (after_, turn == Turn.Asserter ? Turn.Challenger : Turn.Asserter);
    }

    /// @notice State of the game that a list leads to, and the list's last entry.
    function _listed(
        uint256 lo,
        uint256 steps,
        uint256 level,
        bytes32 from,
        bytes calldata list
    ) private pure returns (bytes memory state, bytes32 last) {
        require(list.length == WORD * ListLib.countOf(lo, steps, level), RefereeBadMove());
        bytes32 root;
        (root, last) = ListLib.rootOf(list);
        state = abi.encodePacked(uint64(lo), uint64(steps), uint8(level), from, root);
    }

    /// @notice An entry that a move shows and the state before it; and how much of the move that was.
    function _shown(
        Position memory self,
        uint256 part,
        bytes calldata move
    ) private pure returns (bytes32 before, bytes32 entry, uint256 read) {
        uint256 start;
        uint256 at_;
        assembly ("memory-safe") {
            start := move.offset
            at_ := add(start, 1)
        }
        before = self.from;
        if (part != 0) {
            before = _wordAt(at_);
            at_ += WORD;
        }
        entry = _wordAt(at_);
        bytes32 root;
        (root, at_) = ListLib.climb(part, before, entry, at_ + WORD);
        read = at_ - start;
        require(root == self.root && read <= move.length, RefereeBadMove());
    }

    function _positionOf(bytes calldata state) private pure returns (Position memory) {
        require(state.length == POSITION, RefereeBadMove());
        (uint256 lo, uint256 steps) = (uint64(bytes8(state)), uint64(bytes8(state[8:])));
        return Position(lo, steps, uint8(state[16]), bytes32(state[17:]), bytes32(state[49:]));
    }

    /// @notice Refuses a witness that does not refute the step between two states.
    function _requireStep(bytes32 before, bytes32 entry, bytes calldata witness) private pure {
        (bytes32 pre, bytes32 post) = MachineLib.step(witness);
        require(pre == before && post != entry, RefereeBadMove());
    }

    function _wordAt(uint256 at_) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := calldataload(at_)
        }
    }
}
