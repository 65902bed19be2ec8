// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {IDeals} from "../interfaces/IDeals.sol";
import {ILedger} from "../interfaces/ILedger.sol";
import {DealTerms, Kind, Mode, Offer, Permit} from "../interfaces/ITypes.sol";
import {LienLib} from "../libraries/LienLib.sol";
import {MessageLib} from "../libraries/MessageLib.sol";
import {SignatureLib} from "../libraries/SignatureLib.sol";
import {Cell, CellLib} from "../types/Cell.sol";
import {Purse, PurseLib} from "../types/Purse.sol";
import {Terms, TermsLib} from "../types/Terms.sol";
import {Escrow} from "./Escrow.sol";
import {Netting} from "./Netting.sol";
import {Streams} from "./Streams.sol";
import {Wheels} from "./Wheels.sol";

/// @title Deals
/// @notice See {IDeals}.
/// @custom:invariant a deal pays the lesser of its budget and its streams' units at its price, and no units above its
/// allowance
/// @custom:invariant sum of budgets of a buyer's deals that are not closed = locked
abstract contract Deals is IDeals, Escrow, Streams, Wheels, Netting {
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
        (Terms terms, Purse purse) = (self.terms, self.purse);
        // What members attest of a netted deal must not depend on what can still change.
        _requireNotNetted(id, terms);
        // What was settled above the budget is lost for good: a later budget may not pay it after all.
        require(_unitsOf(id, terms.streams()) * terms.price() <= purse.budget(), DealExhausted(id));
        uint256 budget = purse.budget() + amount;
        require(budget <= offer.maxBudget, DealOfferMismatch("maxBudget", budget, offer.maxBudget));
        _checkNonce(offer);
        _take(hash, offer.total, amount);
        _lock(msg.sender, amount);
        self.purse = _unpacked(purse).withBudget(budget);

        uint96 bond = REGISTRY.reserve(uint32(terms.provider()), _bondUp(amount));
        self.bond = LienLib.joined(self.bond, bond);
        emit DealToppedUp(id, amount, bond);
    }

    /// @inheritdoc IDeals
    function stop(uint32 id) external {
        uint256 now_ = _touch();
        Deal storage self = _deals[id];
        _requireState(id, self, now_, DealState.Open);
        (Terms terms, Purse purse) = (self.terms, self.purse);
        (uint256 remaining, ) = _remaining(id, terms, purse);
        require(msg.sender == self.buyer || remaining == 0, DealUnauthorized(id, msg.sender));
        self.terms = terms.stoppedAt(now_);
        if (purse.place() != 0) self.purse = _unpacked(purse);
        emit DealStopped(id, uint32(now_));
    }

    /// @inheritdoc IDeals
    function close(uint32 id) external {
        uint256 now_ = _touch();
        Deal storage self = _deals[id];
        _requireState(id, self, now_, DealState.Closing);
        Terms terms = self.terms;
        _requireNotNetted(id, terms);
        uint256 from = terms.end() + _head.closingPeriod;
        require(now_ >= from, DealTooEarly(id, uint32(now_), uint32(from)));

        Purse purse = _unpacked(self.purse);
        (uint256 returned, uint256 units) = _remaining(id, terms, purse);
        uint256 fee = units == 0 ? _keepOpeningFee(terms, purse, now_) : 0;
        returned -= fee;
        self.terms = terms.withState(TermsLib.CLOSED);
        self.purse = purse.withClosedAt(now_);
        Account storage owner = _accounts[self.buyer];
        owner.locked -= uint64(purse.budget());
        owner.free += uint64(returned);
        emit DealClosed(id, uint64(returned), uint64(fee));

        if (self.disputes == 0) REGISTRY.release(uint32(terms.provider()), self.bond);
    }

    /// @inheritdoc IDeals
    function recycle(uint32 id) external {
        uint256 now_ = _touch();
        Deal storage self = _deals[id];
        _requireState(id, self, now_, DealState.Closed);
        uint256 from = self.purse.closedAt() + _rules.retention;
        require(now_ >= from, DealTooEarly(id, uint32(now_), uint32(from)));
        require(self.disputes == 0, DealDisputed(id));
        uint256 streams = self.terms.streams();
        _cells[id >> 1] &= ~(uint256(type(uint128).max) << (128 * (id & 1)));
        for (uint256 i = CellLib.INLINE; i < streams; i += CellLib.PER_WORD) {
            delete _moreCells[id][(i - CellLib.INLINE) / CellLib.PER_WORD];
        }
        for (uint256 i = 0; i < streams; i += ACKS_PER_WORD) delete _acks[id][i / ACKS_PER_WORD];
        self.terms = self.terms.withState(0);
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
        uint32 from = uint32(now_ + _rules.keyNotice);
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
        Terms terms = self.terms;
        uint256 before = _acknowledged(id, index);
        require(terms.state() == TermsLib.LIVE, DealWrongState(id, _stateOf(self, now_)));
        bytes32 hash = MessageLib.acknowledgementHash(self.key, index, count, units, segment);
        address signer = SignatureLib.recover(MessageLib.digest(_domainSeparatorV4(), hash), signature);
        require(signer == self.ackKey && index < terms.streams() && units > before, DealBadAcknowledgement(id, index));
        Purse purse = self.purse;
        self.purse = purse.withAllowance(purse.allowance() + units - before);
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
        (Terms terms, Purse purse) = (self.terms, self.purse);
        result.state = _stateOf(self, _clockOf(_head));
        if (result.state == DealState.None) return result;
        (result.key, result.buyer, result.bond, result.budget) = (
            self.key,
            self.buyer,
            self.bond,
            uint64(purse.budget())
        );
        (result.provider, result.price) = (uint32(terms.provider()), uint64(terms.price()));
        (result.rateCap, result.allowance) = (uint32(terms.rateCap()), uint64(purse.allowance()));
        (result.openedAt, result.end) = (uint32(terms.openedAt()), uint32(terms.end()));
        (uint256 remaining, ) = _remaining(id, terms, purse);
        if (result.state != DealState.Closed) result.remaining = uint64(remaining);
        result.streams = uint8(terms.streams());
        (result.kind, result.mode) = (uint8(terms.kind()), uint8(terms.mode()));
        (result.openingFee, result.closedAt) = (uint64(purse.openingFee()), uint32(purse.closedAt()));
        result.place = uint32(purse.place());
        (result.orderKey, result.ackKey, result.taskRoot) = (self.orderKey, self.ackKey, self.taskRoot);
    }

    /// @inheritdoc IDeals
    function stream(uint32 id, uint8 index) external view returns (uint32 count, uint48 units, uint48 acknowledged) {
        Cell cell = _cell(id, index);
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
        require(_isSignedBy(offer.provider, hash, signature), DealOfferSignature(offer.provider));
        _take(hash, offer.total, terms.budget);
        _lock(msg.sender, terms.budget);
        if (offer.mode == uint8(Mode.Net)) _openNetted(msg.sender, terms.budget);
        uint32 provider = REGISTRY.idOf(offer.provider);
        require(provider != 0, DealOfferMismatch("provider", uint160(offer.provider), 0));
        // The registry is the protocol's own and calls nobody.
        uint96 bond = REGISTRY.reserve(provider, _bondUp(terms.budget));

        id = _newId();
        bytes32 key = _dealKey(hash, msg.sender, _accounts[msg.sender].nonce++);
        _storeDeal(id, key, offer, terms, provider, bond, now_);
        emit DealOpened(id, key, msg.sender, provider, offer, terms, uint32(now_), bond);
    }

    function _storeDeal(
        uint32 id,
        bytes32 key,
        Offer calldata offer,
        DealTerms calldata terms,
        uint32 provider,
        uint96 bond,
        uint256 now_
    ) private {
        Deal storage self = _deals[id];
        self.key = key;
        uint32 end = uint32(now_ + terms.duration);
        self.terms = TermsLib.pack(id, offer.price, provider, offer.rateCap, uint32(now_), end).withWork(
            terms.streams,
            offer.kind,
            offer.mode
        );
        self.purse = PurseLib.pack(terms.budget, terms.exposure, offer.openingFee);
        (self.buyer, self.bond) = (msg.sender, bond);
        (self.orderKey, self.nextFree) = (_orBuyer(terms.orderKey, msg.sender), 0);
        self.ackKey = _orBuyer(terms.ackKey, msg.sender);
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

    /// @notice Credits the opening fee of a deal with nothing settled if the provider's room allows it.
    function _keepOpeningFee(Terms terms, Purse purse, uint256 now_) private returns (uint256 fee) {
        fee = Math.min(purse.openingFee(), purse.budget());
        if (fee == 0) return 0;
        if (!_tryCredit(terms.provider(), fee, now_ / DAY, _forcedDueUp(now_))) fee = 0;
    }

    function _checkOffer(Offer calldata offer, DealTerms calldata terms, uint256 now_) private view {
        _check(offer.kind <= uint8(type(Kind).max), "kind", offer.kind, uint8(type(Kind).max));
        _check(offer.mode == uint8(Mode.Calldata) || offer.mode == uint8(Mode.Net), "mode", offer.mode, 0);
        _check(offer.buyer == address(0) || offer.buyer == msg.sender, "buyer", uint160(msg.sender), 0);
        // The protocol clock falls behind while nobody touches it; no offer lives longer for that.
        _check(now_ <= offer.expiry && block.timestamp <= offer.expiry, "expiry", block.timestamp, offer.expiry);
        _checkNonce(offer);
        _check(offer.price != 0, "price", 0, 1);
        _check(offer.rateCap != 0, "rateCap", 0, 1);
        _check(terms.budget != 0 && terms.budget >= offer.minBudget, "minBudget", terms.budget, offer.minBudget);
        _check(terms.budget <= offer.maxBudget, "maxBudget", terms.budget, offer.maxBudget);
        // The chain sees what was settled, not what was ordered: the fee may not be worth more than the bond.
        uint256 bonded = (uint256(terms.budget) * _rules.bondBps) / BPS;
        _check(offer.openingFee <= bonded, "openingFee", offer.openingFee, bonded);
        uint256 longest = Math.min(offer.maxDuration, MAX_DURATION);
        _check(terms.duration != 0 && terms.duration <= longest, "duration", terms.duration, longest);
        uint256 most = Math.min(offer.maxStreams, MAX_STREAMS);
        _check(terms.streams != 0 && terms.streams <= most, "streams", terms.streams, most);
        _check(terms.exposure >= offer.minExposure, "exposure", terms.exposure, offer.minExposure);
    }

    function _requireState(uint32 id, Deal storage self, uint256 now_, DealState wanted) private view {
        DealState state = _stateOf(self, now_);
        require(state == wanted, DealWrongState(id, state));
    }

    function _stateOf(Deal storage self, uint256 now_) private view returns (DealState) {
        Terms terms = self.terms;
        if (terms.state() == 0) return DealState.None;
        if (terms.state() == TermsLib.CLOSED) return DealState.Closed;
        return now_ < terms.end() ? DealState.Open : DealState.Closing;
    }

    function _checkNonce(Offer calldata offer) private view {
        _check(offer.nonce >= _offerNonces[offer.provider], "nonce", offer.nonce, _offerNonces[offer.provider]);
    }

    /// @dev By its key if it has one, which spares looking for its code, else as ERC-1271 has it.
    function _isSignedBy(address signer, bytes32 hash, bytes calldata signature) private view returns (bool) {
        (address recovered, ECDSA.RecoverError failure, ) = ECDSA.tryRecoverCalldata(hash, signature);
        if (failure == ECDSA.RecoverError.NoError && recovered == signer) return true;
        return SignatureChecker.isValidERC1271SignatureNowCalldata(signer, hash, signature);
    }

    function _bondUp(uint256 amount) private view returns (uint96) {
        uint256 value = amount * _rules.bondBps * STAKE_UNIT;
        // More than any stake can be: capped, so that reserving it fails, and not cut to its low bits.
        return uint96(Math.min(Math.ceilDiv(value, BPS * _rules.stakeValue), type(uint96).max));
    }

    function _requireNotNetted(uint32 id, Terms terms) private pure {
        require(terms.mode() != uint256(Mode.Net), DealNetted(id));
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
