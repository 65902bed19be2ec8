// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {INets} from "../interfaces/INets.sol";
import {LongWheel} from "../types/Wheel.sol";
import {Streams} from "./Streams.sol";
import {Wheels} from "./Wheels.sol";

/// @title Netting
/// @notice State and internals of netted deals, whose streams stand under one root and whose money in one cell a buyer.
/// @dev What a batch takes from buyers it takes from these cells, so no batch can spend more than the budgets of a
/// buyer's netted deals, whatever its records say.
/// @custom:invariant a buyer's netted money = budgets of its netted deals that are not closed - what was taken for them
abstract contract Netting is Streams, Wheels {
    /// @dev One slot. Announced groups from `queueFrom` on, below `queueTo`, were not taken in by a batch.
    struct NetHead {
        uint32 buyers;
        uint32 queueFrom;
        uint32 queueTo;
    }

    /// @dev One slot. `number` is the buyer's index and one: zero is nobody's.
    struct NetBuyer {
        uint32 number;
        uint32 deals;
        uint64 budgets;
    }

    /// @dev One slot. `next` holds from unix second `from` on, `current` before.
    struct Capacity {
        uint16 current;
        uint16 next;
        uint64 from;
    }

    /// @dev Seconds a batch may leave an announced group out, and its provider must leave it to batches.
    uint256 internal constant FORCE_DELAY = 1 hours;
    /// @dev Seconds after the closing period in which what was announced during it can still be executed.
    uint256 internal constant CLOSING_GRACE = 3 * FORCE_DELAY;
    uint256 internal constant QUEUE = 2 ** 16;
    uint256 internal constant CELLS = 4;
    uint256 internal constant CELL_BITS = 64;

    /// @dev See {NetTreeLib}.
    bytes32 internal _netRoot;
    NetHead internal _netHead;
    /// @dev What batches credited, until it matures: bounded by the bonds of the members that sign the next batch.
    LongWheel internal _openNets;
    mapping(address buyer => NetBuyer self) internal _netBuyers;
    /// @dev Netted money of four buyers a word, by index / 4.
    mapping(uint256 position => uint256 cells) internal _netted;
    /// @dev Ring of announced groups: hash (28 bytes) ‖ time (4).
    mapping(uint256 slot => uint256 word) internal _announced;
    /// @dev Members' bonds in whole stake tokens, eight a word, by epoch.
    mapping(uint256 epoch => mapping(uint256 position => uint256 bonds)) internal _bonds;
    /// @dev What providers declare their workers to do at once.
    mapping(uint256 provider => Capacity capacity) internal _capacities;

    /// @notice Puts the budget of a deal that is opened to its buyer's netted money.
    function _openNetted(address buyer, uint64 budget) internal {
        NetBuyer memory self = _netBuyers[buyer];
        if (self.number == 0) {
            self.number = ++_netHead.buyers;
            emit INets.BuyerNumbered(self.number - 1, buyer);
        }
        _netBuyers[buyer] = NetBuyer(self.number, self.deals + 1, self.budgets + budget);
        _setNetted(self.number - 1, _nettedOf(self.number - 1) + budget);
    }

    /// @notice Takes a deal that is closed out of its buyer's netted money.
    /// @param remaining What its units leave of its budget, as far as that was shown.
    /// @return returned What is there of that, and at least what the buyer's other netted deals have no budget for.
    function _closeNetted(address buyer, uint64 budget, uint256 remaining) internal returns (uint256 returned) {
        NetBuyer memory self = _netBuyers[buyer];
        uint256 netted = _nettedOf(self.number - 1);
        uint256 others = self.budgets - budget;
        returned = Math.max(Math.min(remaining, netted), Math.saturatingSub(netted, others));
        _netBuyers[buyer] = NetBuyer(self.number, self.deals - 1, uint64(others));
        _setNetted(self.number - 1, netted - returned);
    }

    function _setNetted(uint256 index, uint256 amount) internal {
        uint256 shift = CELL_BITS * (index % CELLS);
        uint256 word = _netted[index / CELLS];
        _netted[index / CELLS] = (word & ~(uint256(type(uint64).max) << shift)) | (amount << shift);
    }

    function _nettedOf(uint256 index) internal view returns (uint256) {
        return uint64(_netted[index / CELLS] >> (CELL_BITS * (index % CELLS)));
    }
}
