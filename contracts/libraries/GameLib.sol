// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IDisputes} from "../interfaces/IDisputes.sol";
import {IReferee} from "../interfaces/IReferee.sol";

/// @title GameLib
/// @notice Facts of games and claims as calldata brings them, and their hashes: those of `abi.encode`.
/// @dev Every move shows a game twice, as it is and as it becomes. Facts that stand otherwise in calldata than
/// `abi.encode` puts them, with dirt beside small numbers or another order, have another hash and so are nobody's.
library GameLib {
    /// @dev Words of a game but the state, which comes last: where it is takes a word.
    uint256 private constant HEAD = 0x140;
    uint256 private constant STATE_AT = 0x160;
    /// @dev Words of a claim.
    uint256 private constant CLAIM = 0x1a0;

    /// @notice A game in memory, to be trusted only if the hash is a known one.
    /// @return self The game; its small numbers are as clean as those of the game with this hash.
    /// @return hash keccak256(abi.encode(game)) if it stands in calldata as that has it, else another one.
    function load(IDisputes.Game calldata game) internal pure returns (IDisputes.Game memory self, bytes32 hash) {
        uint256 length = game.state.length;
        assembly ("memory-safe") {
            let start := mload(0x40)
            let size := add(add(STATE_AT, 32), and(add(length, 31), not(31)))
            mstore(start, 0x20)
            self := add(start, 32)
            calldatacopy(self, game, size)
            hash := keccak256(start, add(size, 32))
            mstore(0x40, add(self, size))
            // in memory the last word is not an offset but an address
            mstore(add(self, HEAD), add(self, STATE_AT))
        }
    }

    /// @notice keccak256(abi.encode(game)).
    function hashOf(IDisputes.Game memory self) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let start := mload(0x40)
            let state := mload(add(self, HEAD))
            let length := mload(state)
            mstore(start, 0x20)
            mcopy(add(start, 32), self, HEAD)
            mstore(add(start, STATE_AT), STATE_AT)
            mcopy(add(start, 0x180), state, add(length, 32))
            mstore(add(add(start, 0x1a0), length), 0) // what fills the last word up
            hash := keccak256(start, add(0x1a0, and(add(length, 31), not(31))))
        }
    }

    /// @notice keccak256(abi.encode(claim)) if it stands in calldata as that has it, else another hash.
    function hashOf(IReferee.Claim calldata claim) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let start := mload(0x40)
            calldatacopy(start, claim, CLAIM)
            hash := keccak256(start, CLAIM)
        }
    }
}
