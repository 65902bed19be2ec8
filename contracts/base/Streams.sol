// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {Cell, CellLib, Meter, MeterLib} from "../types/Meter.sol";
import {Terms} from "../types/Terms.sol";
import {Ledger} from "./Ledger.sol";

/// @title Streams
/// @notice State and internals of deals and their streams.
/// @custom:invariant a stream's receipts and units never fall while its deal lives
abstract contract Streams is Ledger {
    /// @dev Seven slots, rewritten when the id is recycled. `key` outlives the deal until then.
    struct Deal {
        bytes32 key;
        Terms terms;
        Meter meter;
        address buyer;
        uint96 bond;
        address orderKey;
        uint64 budget;
        uint32 closedAt;
        address ackKey;
        uint64 openingFee;
        uint32 nextFree;
        bytes32 taskRoot;
    }

    struct PendingKeys {
        address orderKey;
        uint32 from;
        address ackKey;
    }

    uint256 internal constant MAX_STREAMS = 62;
    int256 private constant NO_FLOOR = -(2 ** 62);
    uint256 internal constant CELLS_PER_WORD = 3;
    uint256 internal constant ACKS_PER_WORD = 5;

    mapping(uint256 id => Deal deal) internal _deals;
    mapping(uint256 id => mapping(uint256 position => uint256 cells)) internal _cells;
    mapping(uint256 id => mapping(uint256 position => uint256 units)) internal _acks;
    mapping(bytes32 key => PendingKeys keys) internal _pendingKeys;
    mapping(bytes32 hash => uint64 budget) internal _taken;
    mapping(address provider => uint64 nonce) internal _offerNonces;

    /// @notice Stores a stream's state; one of the first two is only put into the returned meter.
    function _setCell(uint256 id, uint256 index, Meter meter, Cell cell) internal returns (Meter) {
        if (index < MeterLib.INLINE_STREAMS) return Meter.wrap(CellLib.write(Meter.unwrap(meter), index, cell));
        index -= MeterLib.INLINE_STREAMS;
        mapping(uint256 => uint256) storage words = _cells[id];
        words[index / CELLS_PER_WORD] = CellLib.write(words[index / CELLS_PER_WORD], index % CELLS_PER_WORD, cell);
        return meter;
    }

    function _setAcknowledged(uint256 id, uint256 index, uint256 units) internal {
        uint256 shift = 48 * (index % ACKS_PER_WORD);
        uint256 word = _acks[id][index / ACKS_PER_WORD];
        _acks[id][index / ACKS_PER_WORD] = (word & ~(uint256(type(uint48).max) << shift)) | (units << shift);
    }

    function _cell(uint256 id, uint256 index, Meter meter) internal view returns (Cell) {
        if (index < MeterLib.INLINE_STREAMS) return CellLib.read(Meter.unwrap(meter), index);
        index -= MeterLib.INLINE_STREAMS;
        return CellLib.read(_cells[id][index / CELLS_PER_WORD], index % CELLS_PER_WORD);
    }

    function _acknowledged(uint256 id, uint256 index) internal view returns (uint256) {
        return uint48(_acks[id][index / ACKS_PER_WORD] >> (48 * (index % ACKS_PER_WORD)));
    }

    /// @notice Terms with the floor that acknowledging stream `index` up to `units` leaves.
    function _lowerFloor(uint256 id, uint256 index, Terms terms, uint256 units) internal view returns (Terms) {
        uint256 before = _acknowledged(id, index);
        if (units <= before) return terms;
        return terms.withFloor(_floorDown(terms.floor(), (units - before) * terms.price()));
    }

    /// @notice A floor lowered by `amount`; below -2^62 every floor is the same: none.
    function _floorDown(int256 floor, uint256 amount) internal pure returns (int256) {
        return SignedMath.max(floor - int256(amount), NO_FLOOR);
    }
}
