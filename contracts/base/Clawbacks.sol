// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IRemedies} from "../interfaces/IRemedies.sol";
import {Cell, CellLib} from "../types/Cell.sol";
import {Terms, TermsLib} from "../types/Terms.sol";
import {LongWheel, LongWheelLib, Wheel, WheelLib} from "../types/Wheel.sol";
import {Netting} from "./Netting.sol";

/// @title Clawbacks
/// @notice Freezing streams, lowering their units, and taking what those were paid for out of unmatured earnings.
/// @custom:invariant what voiding gives back to a deal or its buyer = what it takes from its provider's unmatured
/// earnings and its disputed money
/// @custom:invariant no acknowledged unit is voided
abstract contract Clawbacks is Netting {
    uint256 private constant MAX_DUE = LongWheelLib.BUCKETS;

    /// @notice Freezes a stream, unless it is frozen already.
    /// @return units Its units.
    function _freeze(uint256 id, uint256 index) internal returns (uint256 units) {
        Cell cell = _cell(id, index);
        units = cell.units();
        if (cell.cursor() == CellLib.FROZEN) return units;
        _setCell(id, index, CellLib.pack(CellLib.FROZEN, units));
        emit IRemedies.StreamFrozen(uint32(id), uint8(index), uint24(cell.cursor()));
    }

    /// @notice Freezes a stream and voids its unacknowledged units above `keep`, or as many of them as there is money
    /// for.
    /// @param due Days from today on which the first of that money matures.
    /// @param seized Disputed money that is used up first.
    function _void(
        uint256 id,
        Terms terms,
        uint256 index,
        uint256 keep,
        uint256 due,
        uint256 seized,
        uint256 today
    ) internal returns (uint256 amount) {
        uint256 units = _freeze(id, index);
        uint256 gone = Math.saturatingSub(units, Math.max(keep, _acknowledged(id, index)));
        uint256 provider = terms.provider();
        (Wheel wheel, LongWheel long) = _wheelsNow(provider, today);
        (gone, amount) = _affordable(id, terms, gone, seized + _unmatured(wheel, long));
        _setCell(id, index, CellLib.pack(CellLib.FROZEN, units - gone));
        uint256 used = Math.min(seized, amount);
        if (used != 0) _lowerDisputed(used);
        _take(provider, wheel, long, due, amount - used, today);
        _giveBack(id, terms, amount);
        if (gone != 0) emit IRemedies.UnitsVoided(uint32(id), uint8(index), uint40(units - gone), uint64(amount));
    }

    /// @notice What a stream's unacknowledged units above `keep` were paid for, at most what is unmatured, moved out of
    /// there.
    function _seize(
        uint256 id,
        Terms terms,
        uint256 index,
        uint256 keep,
        uint256 due,
        uint256 today
    ) internal returns (uint256 amount) {
        uint256 gone = Math.saturatingSub(_cell(id, index).units(), Math.max(keep, _acknowledged(id, index)));
        uint256 provider = terms.provider();
        (Wheel wheel, LongWheel long) = _wheelsNow(provider, today);
        (, amount) = _affordable(id, terms, gone, type(uint256).max);
        amount = Math.min(amount, _unmatured(wheel, long));
        _take(provider, wheel, long, due, amount, today);
    }

    /// @notice Takes up to `amount` out of a provider's unmatured earnings.
    function _takeUpTo(uint256 provider, uint256 due, uint256 amount, uint256 today) internal returns (uint256) {
        (Wheel wheel, LongWheel long) = _wheelsNow(provider, today);
        amount = Math.min(amount, _unmatured(wheel, long));
        _take(provider, wheel, long, due, amount, today);
        return amount;
    }

    function _lowerDisputed(uint256 amount) internal {
        uint256 held = _fees.disputed;
        require(amount <= held, IRemedies.RemediesNotDisputed());
        _fees.disputed = uint64(held - amount);
    }

    /// @notice A provider's wheels rolled to today, with no room issued; to be stored by {_store}.
    function _wheelsNow(uint256 provider, uint256 today) internal returns (Wheel wheel, LongWheel long) {
        wheel = _loadNow(provider, today);
        long = wheel.has(WheelLib.LONG) ? _longWheels[provider] : LongWheel.wrap(today);
    }

    function _setCell(uint256 id, uint256 index, Cell cell) private {
        if (index < CellLib.INLINE) {
            _cells[id >> 1] = CellLib.write(_cells[id >> 1], CellLib.inlinePosition(id, index), cell);
            return;
        }
        index -= CellLib.INLINE;
        uint256 position = index / CellLib.PER_WORD;
        _moreCells[id][position] = CellLib.write(_moreCells[id][position], index % CellLib.PER_WORD, cell);
    }

    /// @dev Assumes the wheels hold as much. Money that matures on the day in question and later goes first, soonest
    /// first: so whatever else is unmatured and may have to be taken one day stays as late as it was.
    function _take(uint256 provider, Wheel wheel, LongWheel long, uint256 due, uint256 amount, uint256 today) private {
        emit IRemedies.ClawedBack(uint32(provider), uint64(amount), uint8(due));
        wheel = wheel.addRoom(int256(amount));
        LongWheel before = long;
        for (uint256 i = 0; i < MAX_DUE && amount != 0; ++i) {
            uint256 day = 1 + ((due - 1 + i) % MAX_DUE);
            uint256 part;
            (wheel, part) = _takeNear(wheel, day, amount);
            amount -= part;
            part = Math.min(amount, long.bucket(day - 1));
            long = long.sub(day - 1, part);
            amount -= part;
        }
        if (LongWheel.unwrap(before) != LongWheel.unwrap(long)) _longWheels[provider] = long;
        _store(provider, wheel, today);
    }

    /// @dev The deal has it left again by its lower units; the buyer of a closed one has it free. Work that was voided
    /// altogether earns no opening fee either.
    function _giveBack(uint256 id, Terms terms, uint256 amount) private {
        Deal storage self = _deals[id];
        if (terms.state() == TermsLib.CLOSED) _accounts[self.buyer].free += uint64(amount);
        else if (_unitsOf(id, terms.streams()) == 0) self.purse = self.purse.withoutFee();
    }

    /// @notice As many of `gone` units as `most` pays for, and what exactly they were paid for.
    /// @dev Units are rounded down: no unit is voided that is not given back in full.
    function _affordable(
        uint256 id,
        Terms terms,
        uint256 gone,
        uint256 most
    ) private view returns (uint256, uint256 amount) {
        uint256 price = terms.price();
        uint256 budget = _deals[id].purse.budget();
        uint256 total = _unitsOf(id, terms.streams());
        uint256 paid = Math.min(budget, total * price);
        amount = paid - Math.min(budget, (total - gone) * price);
        if (amount <= most) return (gone, amount);
        gone = total - Math.ceilDiv(paid - most, price);
        return (gone, paid - Math.min(budget, (total - gone) * price));
    }

    function _takeNear(Wheel wheel, uint256 day, uint256 amount) private pure returns (Wheel, uint256 part) {
        if (day == 1) {
            part = Math.min(amount, wheel.next());
            return (wheel.withNext(wheel.next() - part), part);
        }
        if (day != 2) return (wheel, 0);
        part = Math.min(amount, wheel.later());
        return (wheel.withLater(wheel.later() - part), part);
    }
}
