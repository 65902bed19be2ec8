// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IDeals} from "../interfaces/IDeals.sol";
import {IRemedies} from "../interfaces/IRemedies.sol";
import {Mode} from "../interfaces/ITypes.sol";
import {IVault} from "../interfaces/IVault.sol";
import {Purse} from "../types/Purse.sol";
import {Terms, TermsLib} from "../types/Terms.sol";
import {LongWheel, Wheel} from "../types/Wheel.sol";
import {Clawbacks} from "./Clawbacks.sol";

/// @title Remedies
/// @notice See {IRemedies}.
/// @custom:invariant money in disputes = what was seized - what was restored or voided
/// @custom:invariant a provider's cover is never negative
abstract contract Remedies is IRemedies, Clawbacks {
    /// @dev A slash in terms of what the stream was paid for: once for what matured before and is out of reach, and as
    /// much again, so that being seen half of the time is too often.
    uint256 internal constant PENALTY = 2;

    modifier onlyCourts() {
        require(REGISTRY.isCourt(msg.sender), RemediesOnlyCourts(msg.sender));
        _;
    }

    /// @inheritdoc IRemedies
    function penalize(
        uint32 id,
        bytes32 key,
        uint8 stream,
        IVault.Charge calldata charge
    ) external onlyCourts returns (uint96 taken) {
        uint256 now_ = _touch();
        return _penalize(id, _termsOf(id, key, stream), stream, PENALTY, charge, now_);
    }

    /// @inheritdoc IRemedies
    function forfeit(
        uint32 id,
        bytes32 key,
        uint8 stream,
        IVault.Charge calldata charge
    ) external onlyCourts returns (uint96 taken) {
        uint256 now_ = _touch();
        return _penalize(id, _termsOf(id, key, stream), stream, 0, charge, now_);
    }

    /// @inheritdoc IRemedies
    function voidUnits(
        uint32 id,
        bytes32 key,
        uint8 stream,
        uint40 keep,
        uint32 settledAt,
        uint64 seized
    ) external onlyCourts returns (uint64 amount) {
        (uint256 now_, Terms terms) = (_touch(), _ownStreams(id, key, stream));
        uint256 due = _attestedDueDown(settledAt, now_);
        return uint64(_void(id, terms, stream, keep, due, seized, now_ / DAY));
    }

    /// @inheritdoc IRemedies
    function voidForced(
        uint32 id,
        bytes32 key,
        uint8 stream,
        uint40 keep,
        uint32 settledAt,
        uint40 until,
        uint64 seized
    ) external onlyCourts returns (uint64 amount) {
        (uint256 now_, Terms terms) = (_touch(), _ownStreams(id, key, stream));
        uint256 due = _forcedDueOf(id, stream, settledAt, until, now_);
        return uint64(_void(id, terms, stream, keep, due, seized, now_ / DAY));
    }

    /// @inheritdoc IRemedies
    function seize(
        uint32 id,
        bytes32 key,
        uint8 stream,
        uint40 keep,
        uint32 settledAt
    ) external onlyCourts returns (uint64 amount) {
        (uint256 now_, Terms terms) = (_touch(), _ownStreams(id, key, stream));
        uint256 due = _attestedDueDown(settledAt, now_);
        return _hold(terms, _seize(id, terms, stream, keep, due, now_ / DAY));
    }

    /// @inheritdoc IRemedies
    function seizeForced(
        uint32 id,
        bytes32 key,
        uint8 stream,
        uint40 keep,
        uint32 settledAt,
        uint40 until
    ) external onlyCourts returns (uint64 amount) {
        (uint256 now_, Terms terms) = (_touch(), _ownStreams(id, key, stream));
        uint256 due = _forcedDueOf(id, stream, settledAt, until, now_);
        return _hold(terms, _seize(id, terms, stream, keep, due, now_ / DAY));
    }

    /// @inheritdoc IRemedies
    function returnNetted(
        uint32 provider,
        address buyer,
        uint64 amount,
        uint32 settledAt
    ) external onlyCourts returns (uint64 returned) {
        uint256 now_ = _touch();
        uint256 due = _attestedDueDown(settledAt, now_);
        returned = uint64(_takeUpTo(provider, due, amount, now_ / DAY));
        uint256 toNetted = 0;
        NetBuyer memory self = _netBuyers[buyer];
        if (self.number != 0) {
            uint256 netted = _nettedOf(self.number - 1);
            toNetted = Math.min(returned, Math.saturatingSub(self.budgets, netted));
            _setNetted(self.number - 1, netted + toNetted);
        }
        uint64 toFree = returned - uint64(toNetted);
        _accounts[buyer].free += toFree;
        emit NettedReturned(provider, buyer, uint64(toNetted), toFree);
    }

    /// @inheritdoc IRemedies
    function restore(uint32 provider, uint64 amount) external onlyCourts {
        uint256 today = _touch() / DAY;
        _lowerDisputed(amount);
        // As if settled now: whoever lost on purpose must not have shortened the time others have to object.
        _store(provider, _creditUnmatured(provider, _loadNow(provider, today), amount, _attestedDueUp()), today);
        emit Restored(provider, amount);
    }

    /// @inheritdoc IRemedies
    function excuse(uint32 id, bytes32 key) external onlyCourts {
        _touch();
        Deal storage self = _deals[id];
        self.terms = _termsOf(id, key, 0).with(TermsLib.EXCUSED);
        emit DealExcused(id);
    }

    /// @inheritdoc IRemedies
    function beginDispute(uint32 id, bytes32 key) external onlyCourts {
        _touch();
        _termsOf(id, key, 0);
        emit DisputesChanged(id, ++_deals[id].disputes);
    }

    /// @inheritdoc IRemedies
    function endDispute(uint32 id) external onlyCourts {
        _touch();
        Deal storage self = _deals[id];
        uint32 disputes = self.disputes;
        require(disputes != 0, RemediesNotDisputed());
        self.disputes = disputes - 1;
        emit DisputesChanged(id, disputes - 1);
        Terms terms = self.terms;
        if (disputes != 1 || terms.state() != TermsLib.CLOSED) return;
        REGISTRY.release(uint32(terms.provider()), self.bond);
    }

    /// @inheritdoc IRemedies
    function disputed() external view returns (uint64) {
        return _fees.disputed;
    }

    /// @notice Slashes a deal's provider for a stream, which it freezes; stops the deal instead if it is netted.
    /// @param times The least that is asked, in terms of what the stream was paid for.
    /// @param charge What for; `asked` at least, and the deal's bond.
    function _penalize(
        uint256 id,
        Terms terms,
        uint256 stream,
        uint256 times,
        IVault.Charge memory charge,
        uint256 now_
    ) internal returns (uint96) {
        uint256 value = 0;
        if (terms.mode() == uint256(Mode.Net)) _stopForFault(id, terms, now_);
        else value = times * _freeze(id, stream) * terms.price();
        Deal storage self = _deals[id];
        charge.subject = keccak256(abi.encode(self.key, stream, charge.fault));
        uint256 asked = Math.max(charge.asked, _inStakeUp(value));
        charge.asked = uint96(Math.min(asked, type(uint96).max));
        return _slash(terms.provider(), charge, self.bond, now_);
    }

    /// @notice Slashes, and lowers the provider's cover by the value of what was taken.
    /// @param lien Part of the provider's stake that is asked for at least.
    function _slash(
        uint256 provider,
        IVault.Charge memory charge,
        uint96 lien,
        uint256 now_
    ) internal returns (uint96 taken) {
        (uint96 own, uint96 delegated) = IVault(address(REGISTRY)).slash(uint32(provider), charge, lien, uint32(now_));
        taken = own + delegated;
        if (taken != 0) _lowerCover(provider, taken, now_ / DAY);
    }

    /// @notice Stake token base units that are worth at least `value`.
    function _inStakeUp(uint256 value) internal view returns (uint256) {
        return Math.ceilDiv(value * STAKE_UNIT, _rules.stakeValue);
    }

    /// @notice Terms of a deal that has this key and such a stream, closed or not.
    function _termsOf(uint256 id, bytes32 key, uint256 stream) internal view returns (Terms terms) {
        Deal storage self = _deals[id];
        terms = self.terms;
        bool holds = terms.state() != 0 && stream < terms.streams() && self.key == key;
        require(holds, RemediesNoSuchStream(uint32(id), uint8(stream)));
    }

    function _stopForFault(uint256 id, Terms terms, uint256 now_) private {
        if (terms.state() != TermsLib.LIVE || now_ >= terms.end()) return;
        Deal storage self = _deals[id];
        self.terms = terms.stoppedAt(now_);
        Purse purse = self.purse;
        if (purse.place() != 0) self.purse = _unpacked(purse);
        emit IDeals.DealStopped(uint32(id), uint32(now_));
        emit StoppedForFault(uint32(id));
    }

    /// @dev Rounded against the provider; {IEarnings-refreshCover} brings it to the exact figure.
    function _lowerCover(uint256 provider, uint256 taken, uint256 today) private {
        (Wheel wheel, LongWheel long) = _wheelsNow(provider, today);
        Rules memory rules = _rules;
        uint256 lost = Math.ceilDiv(taken * rules.stakeValue * rules.coverageBps, STAKE_UNIT * BPS);
        int256 cover = wheel.room() + int256(_unmatured(wheel, long));
        int256 delta = int256(lost) < cover ? int256(lost) : cover;
        _store(provider, wheel.addRoom(-delta), today);
    }

    function _hold(Terms terms, uint256 amount) private returns (uint64) {
        _fees.disputed += uint64(amount);
        emit Seized(uint32(terms.provider()), uint64(amount));
        return uint64(amount);
    }

    function _ownStreams(uint32 id, bytes32 key, uint8 stream) private view returns (Terms terms) {
        terms = _termsOf(id, key, stream);
        require(terms.mode() != uint256(Mode.Net), RemediesNetted(id));
    }

    /// @dev Days from today on which money settled at `settledAt`, in whatever lane, may mature first. All that was
    /// settled later matures no earlier.
    function _attestedDueDown(uint256 settledAt, uint256 now_) private view returns (uint256) {
        uint256 due = Math.min(_attestedDueUp(), _forcedDueUp(settledAt));
        return _daysTo(settledAt, due, now_);
    }

    function _forcedDueOf(
        uint256 id,
        uint256 stream,
        uint256 settledAt,
        uint256 until,
        uint256 now_
    ) private view returns (uint256) {
        require(_cell(id, stream).units() == until, RemediesNotLast(uint32(id), uint8(stream)));
        return _daysTo(settledAt, _forcedDueUp(settledAt), now_);
    }

    function _daysTo(uint256 settledAt, uint256 due, uint256 now_) private pure returns (uint256) {
        uint256 day = settledAt / DAY + due;
        require(settledAt <= now_ && day > now_ / DAY, RemediesMatured(uint32(settledAt)));
        return day - now_ / DAY;
    }
}
