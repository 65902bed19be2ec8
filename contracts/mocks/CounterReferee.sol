// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IReferee} from "../interfaces/IReferee.sol";

/// @title CounterReferee
/// @notice Judges a machine of one step function, state' = keccak256(state), by bisection in four parts down to one
/// step. For tests only.
/// @dev A receipt's work hash is keccak256(abi.encode(first state, steps, last state)); steps are a power of four. A
/// state of the game is empty (the asserter states its trace), an interval (the asserter splits it), or an interval
/// with the three states between (the challenger picks a part).
contract CounterReferee is IReferee {
    /// @dev States at both ends of steps `lo` to `hi`.
    struct Interval {
        uint64 lo;
        uint64 hi;
        bytes32 from;
        bytes32 to;
    }

    uint64 private constant PARTS = 4;
    uint16 private constant ROUNDS = 32;

    /// @inheritdoc IReferee
    function first(Claim calldata) external pure returns (bytes memory state, Turn turn) {
        return ("", Turn.Asserter);
    }

    /// @inheritdoc IReferee
    function next(
        Claim calldata claim,
        bytes calldata state,
        Turn turn,
        bytes calldata move
    ) external pure returns (bytes memory after_, Turn then_) {
        return state.length == 0 ? _begin(claim, move) : _go(state, turn, move);
    }

    /// @inheritdoc IReferee
    function advance(
        bytes calldata state,
        Turn turn,
        bytes calldata move
    ) external pure returns (bytes memory after_, Turn then_) {
        require(state.length != 0, RefereeNeedsClaim());
        return _go(state, turn, move);
    }

    /// @inheritdoc IReferee
    function moves(Claim calldata) external pure returns (uint16 asserter, uint16 challenger) {
        return (ROUNDS + 1, ROUNDS);
    }

    function _begin(Claim calldata claim, bytes calldata move) private pure returns (bytes memory, Turn) {
        (bytes32 from, uint64 steps, bytes32 to) = abi.decode(move, (bytes32, uint64, bytes32));
        require(keccak256(abi.encode(from, steps, to)) == claim.workHash && steps > 1, RefereeBadMove());
        return (abi.encode(Interval(0, steps, from, to)), Turn.Asserter);
    }

    function _go(bytes calldata state, Turn turn, bytes calldata move) private pure returns (bytes memory, Turn) {
        return turn == Turn.Asserter ? _split(state, move) : _pick(state, move);
    }

    function _split(bytes calldata state, bytes calldata move) private pure returns (bytes memory, Turn) {
        Interval memory self = abi.decode(state, (Interval));
        bytes32[3] memory between = abi.decode(move, (bytes32[3]));
        return (abi.encode(self, between), Turn.Challenger);
    }

    function _pick(bytes calldata state, bytes calldata move) private pure returns (bytes memory, Turn) {
        (Interval memory self, bytes32[3] memory between) = abi.decode(state, (Interval, bytes32[3]));
        uint64 part = abi.decode(move, (uint64));
        require(part < PARTS, RefereeBadMove());
        uint64 size = (self.hi - self.lo) / PARTS;
        bytes32 from = part == 0 ? self.from : between[part - 1];
        bytes32 to = part == PARTS - 1 ? self.to : between[part];
        if (size == 1) {
            return ("", keccak256(abi.encode(from)) == to ? Turn.AsserterWon : Turn.ChallengerWon);
        }
        uint64 lo = self.lo + part * size;
        return (abi.encode(Interval(lo, lo + size, from, to)), Turn.Asserter);
    }
}
