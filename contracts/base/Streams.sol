// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {DealPages} from "../libraries/DealPages.sol";
import {Cell, CellLib} from "../types/Cell.sol";
import {Purse} from "../types/Purse.sol";
import {Terms} from "../types/Terms.sol";
import {Ledger} from "./Ledger.sol";

/// @title Streams
/// @notice State and internals of deals and their streams.
/// @custom:invariant a stream's receipts and units never fall while its deal lives, unless a fault voids units
/// @custom:invariant a live row of a deal page states its deal's key, terms and budget, and no more than its allowance
abstract contract Streams is Ledger {
    /// @dev Seven slots, rewritten when the id is recycled. `key` outlives the deal until then.
    struct Deal {
        bytes32 key;
        Terms terms;
        Purse purse;
        address buyer;
        uint96 bond;
        address orderKey;
        uint32 nextFree;
        uint32 disputes;
        address ackKey;
        bytes32 taskRoot;
    }

    struct PendingKeys {
        address orderKey;
        uint32 from;
        address ackKey;
    }

    uint256 internal constant MAX_STREAMS = 62;
    uint256 internal constant ACKS_PER_WORD = 5;

    mapping(uint256 id => Deal deal) internal _deals;
    /// @dev Streams 0 and 1 of two deals a word, the even id's in the low half. By id / 2.
    mapping(uint256 pair => uint256 cells) internal _cells;
    mapping(uint256 id => mapping(uint256 position => uint256 cells)) internal _moreCells;
    mapping(uint256 id => mapping(uint256 position => uint256 units)) internal _acks;
    mapping(bytes32 key => PendingKeys keys) internal _pendingKeys;
    mapping(bytes32 hash => uint64 budget) internal _taken;
    mapping(address provider => uint64 nonce) internal _offerNonces;
    /// @dev Bit r: row r of the page still states its deal.
    mapping(uint256 page => uint256 rows) internal _livePages;

    function _setAcknowledged(uint256 id, uint256 index, uint256 units) internal {
        uint256 shift = 48 * (index % ACKS_PER_WORD);
        uint256 word = _acks[id][index / ACKS_PER_WORD];
        _acks[id][index / ACKS_PER_WORD] = (word & ~(uint256(type(uint48).max) << shift)) | (units << shift);
    }

    /// @notice The purse of a deal whose row, if it has one, no longer holds.
    function _unpacked(Purse purse) internal returns (Purse) {
        uint256 place = purse.place();
        if (place == 0) return purse;
        _livePages[place / DealPages.ROWS] &= ~(1 << (place % DealPages.ROWS));
        return purse.withPlace(0);
    }

    function _cell(uint256 id, uint256 index) internal view returns (Cell) {
        if (index < CellLib.INLINE) return CellLib.read(_cells[id >> 1], CellLib.inlinePosition(id, index));
        index -= CellLib.INLINE;
        return CellLib.read(_moreCells[id][index / CellLib.PER_WORD], index % CellLib.PER_WORD);
    }

    /// @notice Units of all streams of a deal. Reads a word for every four streams, 16 at most.
    function _unitsOf(uint256 id, uint256 streams) internal view returns (uint256 total) {
        total = CellLib.sum(_cells[id >> 1] >> (128 * (id & 1)), CellLib.INLINE);
        if (streams > CellLib.INLINE) total += _moreUnitsOf(id, streams);
    }

    /// @notice Units of the streams from the third on.
    function _moreUnitsOf(uint256 id, uint256 streams) internal view returns (uint256 total) {
        for (uint256 i = CellLib.INLINE; i < streams; i += CellLib.PER_WORD) {
            total += CellLib.sum(_moreCells[id][(i - CellLib.INLINE) / CellLib.PER_WORD], CellLib.PER_WORD);
        }
    }

    /// @notice What the deal's budget has left, and the units settled so far.
    function _remaining(uint256 id, Terms terms, Purse purse) internal view returns (uint256 remaining, uint256 units) {
        units = _unitsOf(id, terms.streams());
        remaining = Math.saturatingSub(purse.budget(), units * terms.price());
    }

    function _acknowledged(uint256 id, uint256 index) internal view returns (uint256) {
        return uint48(_acks[id][index / ACKS_PER_WORD] >> (48 * (index % ACKS_PER_WORD)));
    }
}
