// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEarnings} from "../interfaces/IEarnings.sol";
import {LongWheel, LongWheelLib, Wheel, WheelLib} from "../types/Wheel.sol";
import {Ledger} from "./Ledger.sol";

/// @title Wheels
/// @notice State and internals of what providers have earned: credit, roll, fees.
/// @custom:invariant unmatured of a provider never rises above its cover by a credit
/// @custom:invariant claimable grows only by buckets whose day has come and by acknowledged work
abstract contract Wheels is Ledger {
    /// @dev One slot.
    struct Fees {
        uint64 protocol;
        uint64 committee;
    }

    mapping(uint256 provider => Wheel wheel) internal _wheels;
    mapping(uint256 provider => LongWheel wheel) internal _longWheels;
    mapping(uint256 provider => uint256 cover) internal _covers;
    Fees internal _fees;

    /// @notice Puts `amount` into the bucket that matures once `window` from `now_` is over.
    /// @dev Assumes `wheel` is rolled to today and has room for `amount`.
    function _creditUnmatured(
        uint256 provider,
        Wheel wheel,
        uint256 amount,
        uint256 now_,
        uint256 window
    ) internal returns (Wheel) {
        uint256 today = now_ / DAY;
        uint256 due = (now_ + window + DAY - 1) / DAY - today;
        wheel = wheel.addRoom(-int256(amount));
        // 0: no window, on the very second a day begins
        if (due <= 1) return wheel.withNext(wheel.next() + amount);
        if (due == 2) return wheel.withLater(wheel.later() + amount);
        LongWheel long = _longWheels[provider];
        // A wheel without the flag holds nothing, so its day may be moved on freely.
        if (long.day() != today) long = long.forward(today - long.day());
        _longWheels[provider] = long.add(due - 1, amount);
        return wheel.with(WheelLib.LONG);
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

    /// @notice Moves everything that is due by `today` to claimable; the caller stores the word and adds the fees.
    function _rolled(
        uint256 provider,
        Wheel wheel,
        uint256 today
    ) internal returns (Wheel, uint256 protocolFee, uint256 committeeFee) {
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

    function _addFees(uint256 protocolFee, uint256 committeeFee) internal {
        if (protocolFee + committeeFee == 0) return;
        Fees memory pot = _fees;
        _fees = Fees(pot.protocol + uint64(protocolFee), pot.committee + uint64(committeeFee));
    }

    /// @notice {_rolled} for callers that touch one provider: adds the fees, leaves storing the word to the caller.
    function _rolledNow(uint256 provider, uint256 today) internal returns (Wheel wheel) {
        uint256 protocolFee;
        uint256 committeeFee;
        (wheel, protocolFee, committeeFee) = _rolled(provider, _wheels[provider], today);
        _addFees(protocolFee, committeeFee);
    }

    /// @notice What is due by `today`, gross, and its fees, each bucket rounded by itself.
    function _matured(
        Wheel wheel,
        LongWheel long,
        uint256 today
    ) internal view returns (uint256 gross, uint256 protocolFee, uint256 committeeFee) {
        uint256[6] memory due;
        if (today > wheel.day()) due[0] = wheel.next();
        if (today > wheel.day() + 1) due[1] = wheel.later();
        for (uint256 i = 0; i < LongWheelLib.BUCKETS; ++i) {
            if (today > long.day() + i) due[i + 2] = long.bucket(i);
        }
        for (uint256 i = 0; i < due.length; ++i) {
            if (due[i] == 0) continue;
            (uint256 a, uint256 b) = _feesDown(due[i]);
            (gross, protocolFee, committeeFee) = (gross + due[i], protocolFee + a, committeeFee + b);
        }
    }

    function _forward(Wheel wheel, uint256 today) internal pure returns (Wheel) {
        uint256 days_ = today - wheel.day();
        if (days_ == 0) return wheel;
        return wheel.withNext(days_ == 1 ? wheel.later() : 0).withLater(0).withDay(today);
    }

    function _feesDown(uint256 amount) private view returns (uint256 protocolFee, uint256 committeeFee) {
        return ((amount * _parameters.protocolFeeBps) / BPS, (amount * _parameters.committeeFeeBps) / BPS);
    }
}
