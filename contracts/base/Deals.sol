// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {IDeals} from "../interfaces/IDeals.sol";
import {ILedger} from "../interfaces/ILedger.sol";
import {DealTerms, Kind, Mode, Offer, Permit} from "../interfaces/ITypes.sol";
import {MessageLib} from "../libraries/MessageLib.sol";
import {SignatureLib} from "../libraries/SignatureLib.sol";
import {Cell, Meter, MeterLib} from "../types/Meter.sol";
import {Terms, TermsLib} from "../types/Terms.sol";
import {Wheel} from "../types/Wheel.sol";
import {Escrow} from "./Escrow.sol";
import {Streams} from "./Streams.sol";
import {Wheels} from "./Wheels.sol";

/// @title Deals
/// @notice See {IDeals}.
/// @custom:invariant remaining of a live deal >= its floor, and budget - remaining is what its streams were paid
/// @custom:invariant sum of budgets of a buyer's deals that are not closed = locked
abstract contract Deals is IDeals, Escrow, Streams, Wheels {
    uint256 private constant MAX_DURATION = 5 * 365 days;

    /// @inheritdoc IDeals
    function openDeal(
        Offer calldata offer,
        bytes calldata signature,
        DealTerms calldata terms
    ) external returns (uint32 id) {
        return _openDeal(offer, signature, terms);
    }

    /// @inheritdoc IDeals
    function openDealWithPermit(
        Offer calldata offer,
        bytes calldata signature,
        DealTerms calldata terms,
        uint64 amount,
        Permit calldata permit
    ) external returns (uint32 id) {
        _depositWithPermit(msg.sender, amount, permit);
        return _openDeal(offer, signature, terms);
    }

    /// @inheritdoc IDeals
    function topUp(uint32 id, Offer calldata offer, uint64 nonce, uint64 amount) external {
        uint256 now_ = _touch();
        Deal storage self = _deals[id];
        _requireState(id, self, now_, DealState.Open);
        require(self.buyer == msg.sender, DealUnauthorized(id, msg.sender));
        require(amount != 0, EscrowZeroAmount());
        bytes32 hash = offerHash(offer);
        require(self.key == _dealKey(hash, msg.sender, nonce), DealOfferMismatch("offer", uint256(hash), 0));
        uint256 budget = uint256(self.budget) + amount;
        require(budget <= offer.maxBudget, DealOfferMismatch("maxBudget", budget, offer.maxBudget));
        _checkNonce(offer);
        _take(hash, offer.total, amount);
        _lock(msg.sender, amount);
        uint96 bond = _bondUp(amount);
        self.budget = uint64(budget);
        self.bond += bond;
        self.meter = self.meter.withRemaining(self.meter.remaining() + amount);
        self.terms = self.terms.withFloor(self.terms.floor() + int256(uint256(amount)));
        emit DealToppedUp(id, amount, bond);

        REGISTRY.reserve(uint32(self.terms.provider()), bond);
    }

    /// @inheritdoc IDeals
    function stop(uint32 id) external {
        uint256 now_ = _touch();
        Deal storage self = _deals[id];
        _requireState(id, self, now_, DealState.Open);
        require(msg.sender == self.buyer || self.meter.remaining() == 0, DealUnauthorized(id, msg.sender));
        self.terms = self.terms.withEnd(now_);
        emit DealStopped(id, uint32(now_));
    }

    /// @inheritdoc IDeals
    function close(uint32 id) external {
        uint256 now_ = _touch();
        Deal storage self = _deals[id];
        _requireState(id, self, now_, DealState.Closing);
        Terms terms = self.terms;
        uint256 from = terms.end() + _parameters.closingPeriod;
        require(now_ >= from, DealTooEarly(id, uint32(now_), uint32(from)));

        uint256 returned = self.meter.remaining();
        uint256 fee = _keepOpeningFee(self, now_);
        returned -= fee;
        self.meter = self.meter.withRemaining(0).withState(MeterLib.CLOSED);
        self.closedAt = uint32(now_);
        Account storage owner = _accounts[self.buyer];
        owner.locked -= self.budget;
        owner.free += uint64(returned);
        emit DealClosed(id, uint64(returned), uint64(fee));

        REGISTRY.release(uint32(terms.provider()), self.bond);
    }

    /// @inheritdoc IDeals
    function recycle(uint32 id) external {
        uint256 now_ = _touch();
        Deal storage self = _deals[id];
        _requireState(id, self, now_, DealState.Closed);
        uint256 from = uint256(self.closedAt) + _parameters.retention;
        require(now_ >= from, DealTooEarly(id, uint32(now_), uint32(from)));
        uint256 streams = self.meter.streams();
        for (uint256 i = MeterLib.INLINE_STREAMS; i < streams; i += CELLS_PER_WORD) {
            delete _cells[id][(i - MeterLib.INLINE_STREAMS) / CELLS_PER_WORD];
        }
        for (uint256 i = 0; i < streams; i += ACKS_PER_WORD) delete _acks[id][i / ACKS_PER_WORD];
        self.meter = Meter.wrap(0);
        self.nextFree = _head.freeDeal;
        _head.freeDeal = id;
        emit DealRecycled(id);
    }

    /// @inheritdoc IDeals
    function announceDealKeys(uint32 id, address orderKey, address ackKey) external {
        uint256 now_ = _touch();
        Deal storage self = _deals[id];
        _requireState(id, self, now_, DealState.Open);
        require(msg.sender == self.buyer, DealUnauthorized(id, msg.sender));
        uint32 from = uint32(now_ + _parameters.keyNotice);
        _pendingKeys[self.key] = PendingKeys(_orBuyer(orderKey, self.buyer), from, _orBuyer(ackKey, self.buyer));
        emit DealKeysAnnounced(id, _orBuyer(orderKey, self.buyer), _orBuyer(ackKey, self.buyer), from);
    }

    /// @inheritdoc IDeals
    function applyDealKeys(uint32 id) external {
        uint256 now_ = _touch();
        Deal storage self = _deals[id];
        PendingKeys memory next = _pendingKeys[self.key];
        require(next.from != 0 && now_ >= next.from, DealTooEarly(id, uint32(now_), next.from));
        delete _pendingKeys[self.key];
        (self.orderKey, self.ackKey) = (next.orderKey, next.ackKey);
        emit DealKeysApplied(id, next.orderKey, next.ackKey);
    }

    /// @inheritdoc IDeals
    function acknowledge(
        uint32 id,
        uint8 index,
        uint32 count,
        uint48 units,
        bytes32 segment,
        bytes calldata signature
    ) external {
        uint256 now_ = _touch();
        Deal storage self = _deals[id];
        require(self.meter.state() == MeterLib.LIVE, DealWrongState(id, _stateOf(self, now_)));
        bytes32 hash = MessageLib.acknowledgementHash(self.key, index, count, units, segment);
        address signer = SignatureLib.recover(MessageLib.digest(_domainSeparatorV4(), hash), signature);
        require(
            signer == self.ackKey && index < self.meter.streams() && units > _acknowledged(id, index),
            DealBadAcknowledgement(id, index)
        );
        self.terms = _lowerFloor(id, index, self.terms, units);
        _setAcknowledged(id, index, units);
        emit Acknowledged(id, index, units);
    }

    /// @inheritdoc IDeals
    function cancelOffers(uint64 nonce) external {
        uint64 current = _offerNonces[msg.sender];
        require(nonce > current, DealNonceNotRising(current, nonce));
        _offerNonces[msg.sender] = nonce;
        emit OffersCancelled(msg.sender, nonce);
    }

    /// @inheritdoc IDeals
    function deal(uint32 id) external view returns (DealView memory result) {
        Deal storage self = _deals[id];
        (Terms terms, Meter meter) = (self.terms, self.meter);
        result.state = _stateOf(self, _clockOf(_head));
        if (result.state == DealState.None) return result;
        (result.key, result.buyer, result.bond, result.budget) = (self.key, self.buyer, self.bond, self.budget);
        (result.provider, result.price) = (uint32(terms.provider()), uint64(terms.price()));
        (result.rateCap, result.floor) = (uint32(terms.rateCap()), terms.floor());
        (result.openedAt, result.end) = (uint32(terms.openedAt()), uint32(terms.end()));
        (result.remaining, result.streams) = (uint64(meter.remaining()), uint8(meter.streams()));
        (result.kind, result.mode) = (uint8(meter.kind()), uint8(meter.mode()));
        (result.openingFee, result.closedAt) = (self.openingFee, self.closedAt);
        (result.orderKey, result.ackKey, result.taskRoot) = (self.orderKey, self.ackKey, self.taskRoot);
    }

    /// @inheritdoc IDeals
    function stream(uint32 id, uint8 index) external view returns (uint32 count, uint48 units, uint48 acknowledged) {
        Cell cell = _cell(id, index, _deals[id].meter);
        return (uint32(cell.cursor()), uint48(cell.units()), uint48(_acknowledged(id, index)));
    }

    /// @inheritdoc IDeals
    function offerNonce(address provider) external view returns (uint64) {
        return _offerNonces[provider];
    }

    /// @inheritdoc IDeals
    function offerTaken(bytes32 hash) external view returns (uint64) {
        return _taken[hash];
    }

    /// @inheritdoc IDeals
    function offerHash(Offer calldata offer) public view returns (bytes32) {
        return MessageLib.digest(_domainSeparatorV4(), MessageLib.offerHash(offer));
    }

    function _openDeal(
        Offer calldata offer,
        bytes calldata signature,
        DealTerms calldata terms
    ) private returns (uint32 id) {
        uint256 now_ = _touch();
        require(now_ >= _head.pausedUntil, ILedger.LedgerPaused(_head.pausedUntil));
        _checkOffer(offer, terms, now_);
        bytes32 hash = offerHash(offer);
        require(
            SignatureChecker.isValidSignatureNow(offer.provider, hash, signature),
            DealOfferSignature(offer.provider)
        );
        _take(hash, offer.total, terms.budget);
        _lock(msg.sender, terms.budget);
        uint32 provider = REGISTRY.idOf(offer.provider);
        require(provider != 0, DealOfferMismatch("provider", uint160(offer.provider), 0));
        uint96 bond = _bondUp(terms.budget);

        id = _newId();
        bytes32 key = _dealKey(hash, msg.sender, _accounts[msg.sender].nonce++);
        _store(_deals[id], key, offer, terms, provider, bond, now_);
        emit DealOpened(id, key, msg.sender, provider, offer, terms, uint32(now_), bond);

        REGISTRY.reserve(provider, bond);
    }

    function _store(
        Deal storage self,
        bytes32 key,
        Offer calldata offer,
        DealTerms calldata terms,
        uint32 provider,
        uint96 bond,
        uint256 now_
    ) private {
        self.key = key;
        int256 floor = _floorDown(int256(uint256(terms.budget)), uint256(terms.exposure) * offer.price);
        uint32 end = uint32(now_ + terms.duration);
        self.terms = TermsLib.pack(offer.price, floor, provider, offer.rateCap, uint32(now_), end);
        self.meter = MeterLib.pack(terms.budget, terms.streams, offer.kind, offer.mode);
        (self.buyer, self.bond) = (msg.sender, bond);
        (self.orderKey, self.budget, self.closedAt) = (_orBuyer(terms.orderKey, msg.sender), terms.budget, 0);
        (self.ackKey, self.openingFee, self.nextFree) = (_orBuyer(terms.ackKey, msg.sender), offer.openingFee, 0);
        self.taskRoot = terms.taskRoot;
    }

    function _take(bytes32 hash, uint256 total, uint64 amount) private {
        uint256 taken = uint256(_taken[hash]) + amount;
        _check(taken <= total, "total", taken, total);
        _taken[hash] = uint64(taken);
    }

    function _lock(address buyer, uint64 amount) private {
        Account storage self = _accounts[buyer];
        require(self.free >= amount, EscrowInsufficientFree(buyer, self.free, amount));
        self.free -= amount;
        self.locked += amount;
    }

    function _newId() private returns (uint32 id) {
        id = _head.freeDeal;
        if (id != 0) {
            _head.freeDeal = _deals[id].nextFree;
        } else {
            id = _head.lastDeal + 1;
            _head.lastDeal = id;
        }
    }

    /// @notice Credits the opening fee if no receipt was settled and the provider's room allows it.
    function _keepOpeningFee(Deal storage self, uint256 now_) private returns (uint256 fee) {
        uint256 remaining = self.meter.remaining();
        fee = Math.min(self.openingFee, remaining);
        if (fee == 0 || remaining != self.budget) return 0;
        uint256 provider = self.terms.provider();
        Wheel wheel = _rolledNow(provider, now_ / DAY);
        if (int256(fee) > wheel.room()) fee = 0;
        else wheel = _creditUnmatured(provider, wheel, fee, now_, _parameters.forcedWindow);
        _wheels[provider] = wheel;
    }

    function _checkOffer(Offer calldata offer, DealTerms calldata terms, uint256 now_) private view {
        // Provable work needs its referee, netted deals their blobs: neither can be promised before it is there.
        _check(offer.kind == uint8(Kind.Repeatable) || offer.kind == uint8(Kind.Service), "kind", offer.kind, 2);
        _check(offer.mode == uint8(Mode.Calldata), "mode", offer.mode, 0);
        _check(offer.buyer == address(0) || offer.buyer == msg.sender, "buyer", uint160(msg.sender), 0);
        // The protocol clock falls behind while nobody touches it; no offer lives longer for that.
        _check(now_ <= offer.expiry && block.timestamp <= offer.expiry, "expiry", block.timestamp, offer.expiry);
        _checkNonce(offer);
        _check(offer.price != 0, "price", 0, 1);
        _check(offer.rateCap != 0, "rateCap", 0, 1);
        _check(terms.budget != 0 && terms.budget >= offer.minBudget, "minBudget", terms.budget, offer.minBudget);
        _check(terms.budget <= offer.maxBudget, "maxBudget", terms.budget, offer.maxBudget);
        // The chain sees what was settled, not what was ordered: the fee may not be worth more than the bond.
        uint256 bonded = (uint256(terms.budget) * _parameters.bondBps) / BPS;
        _check(offer.openingFee <= bonded, "openingFee", offer.openingFee, bonded);
        uint256 longest = Math.min(offer.maxDuration, MAX_DURATION);
        _check(terms.duration != 0 && terms.duration <= longest, "duration", terms.duration, longest);
        _check(terms.streams != 0 && terms.streams <= MAX_STREAMS, "streams", terms.streams, MAX_STREAMS);
    }

    function _requireState(uint32 id, Deal storage self, uint256 now_, DealState wanted) private view {
        DealState state = _stateOf(self, now_);
        require(state == wanted, DealWrongState(id, state));
    }

    function _stateOf(Deal storage self, uint256 now_) private view returns (DealState) {
        uint256 state = self.meter.state();
        if (state == 0) return DealState.None;
        if (state == MeterLib.CLOSED) return DealState.Closed;
        return now_ < self.terms.end() ? DealState.Open : DealState.Closing;
    }

    function _checkNonce(Offer calldata offer) private view {
        _check(offer.nonce >= _offerNonces[offer.provider], "nonce", offer.nonce, _offerNonces[offer.provider]);
    }

    function _bondUp(uint256 amount) private view returns (uint96) {
        uint256 value = amount * _parameters.bondBps * STAKE_UNIT;
        // More than any stake can be: capped, so that reserving it fails, and not cut to its low bits.
        return uint96(Math.min(Math.ceilDiv(value, BPS * _parameters.stakeValue), type(uint96).max));
    }

    function _check(bool holds, string memory field, uint256 value, uint256 limit) private pure {
        require(holds, DealOfferMismatch(field, value, limit));
    }

    function _dealKey(bytes32 hash, address buyer, uint256 nonce) private pure returns (bytes32) {
        return keccak256(abi.encode(hash, buyer, nonce));
    }

    function _orBuyer(address key, address buyer) private pure returns (address) {
        return key == address(0) ? buyer : key;
    }
}
