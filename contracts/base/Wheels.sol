// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEarnings} from "../interfaces/IEarnings.sol";
import {LongWheel, LongWheelLib, RoomLib, Wheel, WheelLib} from "../types/Wheel.sol";
import {Ledger} from "./Ledger.sol";

/// @title Wheels
/// @notice State and internals of what providers have earned: rooms, credit, roll, fees.
/// @dev Settling in the attested lane only takes from a provider's room of the day. Everything else first folds what
/// the room took in back into the wheel ({_folded}), and leaves a new room or none.
/// @custom:invariant unmatured of a provider never rises above its cover by a credit
/// @custom:invariant claimable grows only by buckets whose day has come and by acknowledged work
abstract contract Wheels is Ledger {
    /// @dev One slot: fees to be claimed, and money in disputes, which is nobody's until they end.
    struct Fees {
        uint64 protocol;
        uint64 committee;
        uint64 disputed;
    }

    mapping(uint256 provider => Wheel wheel) internal _wheels;
    mapping(uint256 provider => LongWheel wheel) internal _longWheels;
    /// @dev By provider / 4, see {RoomLib}.
    mapping(uint256 quad => uint256 rooms) internal _rooms;
    Fees internal _fees;
    /// @dev The registry's payout addresses, which it keeps up to date here, so that claims need not ask it.
    mapping(uint256 provider => address payout) internal _payouts;

    /// @notice A provider's wheel with everything credited in its buckets and rolled to `today`, and no room issued.
    /// @dev The caller stores it by {_store}.
    function _load(
        uint256 provider,
        uint256 today
    ) internal returns (Wheel wheel, uint256 protocolFee, uint256 committeeFee) {
        return _rolled(provider, _folded(provider), today);
    }

    /// @notice {_load} for callers that touch one provider: adds the fees.
    function _loadNow(uint256 provider, uint256 today) internal returns (Wheel wheel) {
        uint256 protocolFee;
        uint256 committeeFee;
        (wheel, protocolFee, committeeFee) = _load(provider, today);
        _addFees(protocolFee, committeeFee);
    }

    /// @notice Stores a wheel from {_load}; a room that was in force for `today` gets what the wheel has now.
    function _store(uint256 provider, Wheel wheel, uint256 today) internal {
        Wheel stored = _wheels[provider];
        if (stored.has(WheelLib.ISSUED) && stored.day() == today) _storeIssued(provider, wheel, today);
        else _wheels[provider] = wheel;
    }

    /// @notice Stores a wheel from {_load} and issues its room for `today`, or none while a worker is revoked.
    function _storeIssued(uint256 provider, Wheel wheel, uint256 today) internal {
        _issue(provider, wheel, today, _rooms[provider / RoomLib.PER_WORD]);
    }

    /// @notice Puts `amount` into the bucket of `due` days after the wheel's day, 1 to 4.
    /// @dev Assumes the wheel has room for it.
    function _creditUnmatured(uint256 provider, Wheel wheel, uint256 amount, uint256 due) internal returns (Wheel) {
        LongWheel long = due > 2 ? _longWheels[provider] : LongWheel.wrap(0);
        (wheel, long) = _credited(wheel, long, amount, due);
        if (due > 2) _longWheels[provider] = long;
        return wheel;
    }

    /// @notice Makes `amount` claimable at once, less the fees.
    function _creditMatured(
        uint256 provider,
        Wheel wheel,
        uint256 amount
    ) internal returns (Wheel, uint256 protocolFee, uint256 committeeFee) {
        (protocolFee, committeeFee) = _feesDown(amount);
        emit IEarnings.Matured(uint32(provider), uint64(amount), uint64(protocolFee), uint64(committeeFee));
        wheel = wheel.withClaimable(wheel.claimable() + amount - protocolFee - committeeFee);
        return (wheel, protocolFee, committeeFee);
    }

    /// @notice Credits `amount` for `due` days after `today` and stores the wheel, if the provider's room allows it.
    function _tryCredit(uint256 provider, uint256 amount, uint256 today, uint256 due) internal returns (bool fits) {
        Wheel wheel = _loadNow(provider, today);
        fits = int256(amount) <= wheel.room();
        if (fits) wheel = _creditUnmatured(provider, wheel, amount, due);
        _store(provider, wheel, today);
    }

    function _addFees(uint256 protocolFee, uint256 committeeFee) internal {
        if (protocolFee + committeeFee == 0) return;
        Fees memory pot = _fees;
        _fees = Fees(pot.protocol + uint64(protocolFee), pot.committee + uint64(committeeFee), pot.disputed);
    }

    /// @notice Days from settling in the attested lane to maturity: whole days from the end of the day on, so that all
    /// money of one day is due together and none before its window is over.
    function _attestedDueUp() internal view returns (uint256) {
        return 1 + (_head.attestedWindow + DAY - 1) / DAY;
    }

    /// @notice Days from settling at `now_` in the forced lane to maturity.
    function _forcedDueUp(uint256 now_) internal view returns (uint256) {
        return (now_ + _head.forcedWindow + DAY - 1) / DAY - now_ / DAY;
    }

    /// @notice What a room issued for the wheel's day has taken in since.
    function _accrued(uint256 provider, Wheel wheel) internal view returns (uint256) {
        if (!wheel.has(WheelLib.ISSUED)) return 0;
        return RoomLib.whole(wheel) - RoomLib.left(_rooms[provider / RoomLib.PER_WORD], provider, wheel.day());
    }

    /// @notice A provider's wheels as folding would leave them.
    function _foldedView(uint256 provider) internal view returns (Wheel wheel, LongWheel long) {
        (wheel, long) = (_wheels[provider], _longWheels[provider]);
        (uint256 amount, uint256 due) = (_accrued(provider, wheel), wheel.due());
        if (amount == 0) return (wheel, long);
        (wheel, long) = _credited(wheel, long, amount, due);
    }

    /// @notice What is due by `today`, gross, and its fees, each bucket rounded by itself.
    function _matured(
        Wheel wheel,
        LongWheel long,
        uint256 today
    ) internal view returns (uint256 gross, uint256 protocolFee, uint256 committeeFee) {
        if (today > wheel.day()) (gross, protocolFee, committeeFee) = _dueDown(wheel.next(), 0, 0, 0);
        if (today > wheel.day() + 1)
            (gross, protocolFee, committeeFee) = _dueDown(wheel.later(), gross, protocolFee, committeeFee);
        if (!wheel.has(WheelLib.LONG)) return (gross, protocolFee, committeeFee);
        for (uint256 i = 0; i < LongWheelLib.BUCKETS && today > long.day() + i; ++i) {
            (gross, protocolFee, committeeFee) = _dueDown(long.bucket(i), gross, protocolFee, committeeFee);
        }
    }

    /// @notice Sum of the buckets.
    function _unmatured(Wheel wheel, LongWheel long) internal pure returns (uint256) {
        return wheel.next() + wheel.later() + (wheel.has(WheelLib.LONG) ? long.total() : 0);
    }

    /// @dev `long` is read and changed only where `due` > 2.
    function _credited(
        Wheel wheel,
        LongWheel long,
        uint256 amount,
        uint256 due
    ) internal pure returns (Wheel, LongWheel) {
        wheel = wheel.addRoom(-int256(amount));
        if (due == 1) return (wheel.withNext(wheel.next() + amount), long);
        if (due == 2) return (wheel.withLater(wheel.later() + amount), long);
        // A wheel without the flag holds nothing, so its day may be moved on freely.
        if (long.day() != wheel.day()) long = long.forward(wheel.day() - long.day());
        return (wheel.with(WheelLib.LONG), long.add(due - 1, amount));
    }

    function _forward(Wheel wheel, uint256 today) internal pure returns (Wheel) {
        uint256 days_ = today - wheel.day();
        if (days_ == 0) return wheel;
        return wheel.withNext(days_ == 1 ? wheel.later() : 0).withLater(0).withDay(today);
    }

    /// @dev What was credited through the room moves into its bucket. The room itself is left as it is: it counts for
    /// nothing once the wheel does not say that one is issued.
    function _folded(uint256 provider) private returns (Wheel wheel) {
        wheel = _wheels[provider];
        if (!wheel.has(WheelLib.ISSUED)) return wheel;
        uint256 amount = _accrued(provider, wheel);
        uint256 due = wheel.due();
        wheel = wheel.without(WheelLib.ISSUED);
        if (amount != 0) wheel = _creditUnmatured(provider, wheel, amount, due);
    }

    /// @dev Moves everything that is due by `today` to claimable.
    function _rolled(
        uint256 provider,
        Wheel wheel,
        uint256 today
    ) private returns (Wheel, uint256 protocolFee, uint256 committeeFee) {
        if (wheel.day() == today) return (wheel, 0, 0);
        uint256 gross;
        LongWheel long = wheel.has(WheelLib.LONG) ? _longWheels[provider] : LongWheel.wrap(today);
        (gross, protocolFee, committeeFee) = _matured(wheel, long, today);
        if (wheel.has(WheelLib.LONG)) {
            long = long.forward(today - long.day());
            _longWheels[provider] = long;
            if (long.isEmpty()) wheel = wheel.without(WheelLib.LONG);
        }
        wheel = _forward(wheel, today);
        if (gross != 0) {
            wheel = wheel.withClaimable(wheel.claimable() + gross - protocolFee - committeeFee).addRoom(int256(gross));
            emit IEarnings.Matured(uint32(provider), uint64(gross), uint64(protocolFee), uint64(committeeFee));
        }
        return (wheel, protocolFee, committeeFee);
    }

    /// @dev A provider with a revoked worker gets a room that holds for no day, so that every group asks.
    function _issue(uint256 provider, Wheel wheel, uint256 today, uint256 word) private {
        uint256 room = 0;
        if (!wheel.has(WheelLib.REVOCATIONS)) {
            room = RoomLib.issue(wheel, today);
            wheel = wheel.withIssued(_attestedDueUp());
        }
        _rooms[provider / RoomLib.PER_WORD] = RoomLib.put(word, provider, room);
        _wheels[provider] = wheel;
    }

    /// @notice Adds a bucket and its fees to what is due.
    function _dueDown(
        uint256 amount,
        uint256 gross,
        uint256 protocolFee,
        uint256 committeeFee
    ) private view returns (uint256, uint256, uint256) {
        if (amount == 0) return (gross, protocolFee, committeeFee);
        (uint256 a, uint256 b) = _feesDown(amount);
        return (gross + amount, protocolFee + a, committeeFee + b);
    }

    function _feesDown(uint256 amount) private view returns (uint256 protocolFee, uint256 committeeFee) {
        return ((amount * _rules.protocolFeeBps) / BPS, (amount * _rules.committeeFeeBps) / BPS);
    }
}
