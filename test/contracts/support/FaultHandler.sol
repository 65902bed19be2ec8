// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeals} from "../../../contracts/interfaces/IDeals.sol";
import {DealTerms, Fault, Offer} from "../../../contracts/interfaces/ITypes.sol";
import {StakeActors} from "./StakeActors.sol";

/// @notice Random faults of a provider that lies, reported by strangers and by itself, between games, demands, deals
/// that come to nothing, voids, delegators that come and go, members' bonds and the vault's payouts.
/// @dev The liar, its friend and the buyer of its empty deals are one family.
abstract contract FaultHandler is StakeActors {
    uint256 private constant LEFT_OPEN = 4;

    /// @notice What deals that were closed paid.
    uint256[2] public closedFor;
    /// @dev Deals of the family's buyer, still open.
    uint256[] private _empty;
    uint256 private _forged;

    constructor() {
        // without fees every unit is one price of somebody's money
        _withoutFees();
    }

    // ---- work, games and time ----

    function settle(uint256 seed) external override counted("settle") {
        _settleSome(seed % 2, seed);
    }

    function challenge(uint256 seed, bool honest) external override counted("challenge") {
        if (_settled.length == 0) _settleSome(LIAR, seed);
        uint256 index = _challengeable(seed, honest);
        if (index == _settled.length) index = _settleWrong(seed);
        uint256 before = _games.length;
        _challenge(index, honest);
        if (_games.length == before) ++idle;
    }

    function move(uint256 seed) external override counted("move") {
        if (_games.length == 0) _challenge(_settleWrong(seed), seed % 2 == 0);
        if (_games.length == 0) return _nothing();
        _play(seed % _games.length, seed >> 8);
    }

    function pass(uint256 span) external override counted("pass") {
        _live(_within(span, 1, 5));
    }

    // ---- faults ----

    function equivocate(uint256 seed) external counted("equivocate") {
        uint256 index = _unpunished(Fault.Equivocation, seed);
        (uint32 id, bytes32 key, uint8 stream) = _streamOf(index);
        Hand memory hand = _handOf(LIAR);
        bytes memory other = abi.encodePacked(uint24(UNITS), keccak256(abi.encode(++_forged)));
        bytes memory tallies = _conflict(key, stream, hand, _settled[index].receipts, other);
        _expect(key, stream, Fault.Equivocation, id, 110_000);
        vm.prank(_reporter(seed));
        tally.proveEquivocation(id, stream, tallies);
        _met();
        // the same once more punishes nobody again
        try tally.proveEquivocation(id, stream, tallies) {
            ++doubled;
        } catch {}
    }

    function overclaim(uint256 seed) external counted("overclaim") {
        uint256 index = _unpunished(Fault.Overclaim, seed);
        (uint32 id, bytes32 key, uint8 stream) = _streamOf(index);
        bytes memory signed = _tallyOf(key, stream, 0, 1, type(uint40).max, _handOf(LIAR), "too much");
        _expect(key, stream, Fault.Overclaim, id, 105_000);
        vm.prank(_reporter(seed));
        tally.proveOverclaim(id, stream, signed);
        _met();
    }

    function billTwice(uint256 seed) external counted("billTwice") {
        uint256 index = _unpunished(Fault.DuplicateTask, seed);
        (uint32 id, bytes32 key, uint8 stream) = _streamOf(index);
        bytes memory receipts = _twice(id, key, stream, _handOf(LIAR), ++_forged);
        _expect(key, stream, Fault.DuplicateTask, id, 120_000);
        vm.prank(_reporter(seed));
        tally.proveDuplicate(receipts);
        _met();
    }

    /// @dev A deal that came to nothing; its buyer is a friend of the provider's.
    function noShow(uint256 seed) external counted("noShow") {
        uint256 job = _openEmpty(seed);
        Job memory self = _jobs[job];
        _live(5);
        uint256 asked = registry.lienValue(_liar(), tally.deal(self.id).bond);
        _expectAsked(keccak256(abi.encode(self.key, uint256(0), Fault.NoShow)), asked, 90_000);
        vm.prank(_reporter(seed));
        tally.proveNoShow(self.id, self.offer, self.nonce);
        _met();
        _empty.push(job);
        if (_empty.length > LEFT_OPEN) _closeEmpty();
    }

    function close(uint256 seed) external counted("close") {
        if (_empty.length == 0) {
            _empty.push(_openEmpty(seed));
            _live(5);
        }
        _closeEmpty();
    }

    /// @dev What a court may: here in the name of a case, so that everything unmatured of the stream goes back.
    function voidStream(uint256 seed) external counted("voidStream") {
        uint256 index = _settleWrong(seed);
        (uint32 id, bytes32 key, uint8 stream) = _streamOf(index);
        tally.voidUnits(id, key, stream, uint40(seed % UNITS), _settled[index].settledAt, 0);
    }

    /// @dev Nobody shows the order of what nobody ordered.
    function demand(uint256 seed) external counted("demand") {
        uint256 index = _unpunished(Fault.Unordered, seed);
        if (tally.clock() >= _settled[index].settledAt + 2 days) index = _settleWrong(seed);
        (uint32 id, bytes32 key, uint8 stream) = _streamOf(index);
        bytes memory place = _settled[index].place;
        bytes memory facts = _demandOrder(id, place, _settled[index].receipts);
        _live(13);
        _expect(key, stream, Fault.Unordered, id, 400_000);
        _lapse(facts);
        _met();
    }

    // ---- money ----

    function claim(uint256 seed) external counted("claim") {
        uint256 seller = seed % 2;
        uint32 id = _sellers[seller].id;
        if (tally.earnings(id).claimable == 0) {
            _settleSome(seller, seed);
            _live(4 * 24 + 1);
        }
        if (tally.earnings(id).claimable == 0) return _nothing();
        claimed[seller] += tally.claim(id);
    }

    function withdraw(uint256 seed) external counted("withdraw") {
        uint256 who = seed % BUYERS;
        (uint64 free, , ) = tally.account(buyer(who));
        if (free == 0) _fund(who, USD);
        (free, , ) = tally.account(buyer(who));
        vm.prank(buyer(who));
        tally.withdraw(address(0xdead), uint64(_within(seed >> 8, 1, free)));
    }

    function collectBonds(uint256 seed) external counted("collectBonds") {
        address[6] memory all = this.players();
        uint256 at_ = seed % 6;
        for (uint256 i = 0; i < 6 && disputes.owed(all[at_]) == 0; ++i) at_ = (at_ + 1) % 6;
        // who is honest is counted by what it has and is owed, so either is as good
        if (disputes.owed(all[at_]) != 0) disputes.withdraw(all[at_]);
    }

    /// @notice What was settled for a provider, after voids: what its deals paid and pay.
    function earned(uint256 seller) external view returns (uint256 sum) {
        for (uint256 i = 0; i < _jobs.length; ++i) {
            if (_jobs[i].provider != seller || _jobs[i].closed) continue;
            IDeals.DealView memory deal = tally.deal(_jobs[i].id);
            sum += deal.budget - deal.remaining;
        }
        return sum + closedFor[seller];
    }

    /// @notice What an honest provider worked for.
    function honestWork() external view returns (uint256 sum) {
        for (uint256 i = 0; i < _settled.length; ++i) if (_isHonest(i)) sum += UNITS * PRICE;
    }

    /// @notice What of a provider's is in disputes.
    function disputedOf(uint256 seller) external view returns (uint256 sum) {
        for (uint256 i = 0; i < _settled.length; ++i) {
            if (_jobs[_settled[i].job].provider == seller && _isDisputed(i)) sum += _settled[i].amount;
        }
    }

    function _settleSome(uint256 seller, uint256 seed) private returns (uint256) {
        if (seller == LIAR) {
            _keepCover();
            _noteLiable();
        }
        return _deliver(seller, seed);
    }

    /// @dev A fresh receipt of the liar's; of three seeds one is taken whose receipt is wrong.
    function _settleWrong(uint256 seed) private returns (uint256 index) {
        return _settleSome(LIAR, ((seed >> 8) - ((seed >> 8) % 6)) + 3);
    }

    /// @dev A receipt of the liar's whose stream was not yet punished for this.
    function _unpunished(Fault fault, uint256 seed) private returns (uint256) {
        uint256 count = _settled.length;
        for (uint256 i = 0; i < count; ++i) {
            uint256 at_ = ((seed % count) + i) % count;
            if (_isHonest(at_)) continue;
            (, bytes32 key, uint8 stream) = _streamOf(at_);
            if (_punishedAt(keccak256(abi.encode(key, stream, fault))) == 0) return at_;
        }
        return _settleWrong(seed);
    }

    function _streamOf(uint256 index) private view returns (uint32 id, bytes32 key, uint8 stream) {
        Result storage self = _settled[index];
        return (_jobs[self.job].id, _jobs[self.job].key, self.stream);
    }

    function _handOf(uint256 seller) private view returns (Hand memory) {
        return _hands[_sellers[seller].firstWorker];
    }

    function _openEmpty(uint256 seed) private returns (uint256) {
        Offer memory offer = _offer(LIAR, seed);
        DealTerms memory terms = _terms(seed, uint64(_within(seed >> 32, USD, 50 * USD)));
        (terms.duration, terms.streams, terms.exposure) = (2 hours, 1, 1e9);
        return _take(FAMILY_BUYER, LIAR, offer, terms, false);
    }

    /// @dev The oldest of the empty deals.
    function _closeEmpty() private {
        Job storage self = _jobs[_empty[0]];
        IDeals.DealView memory deal = tally.deal(self.id);
        uint256 fee = tally.earnings(_sellers[LIAR].id).unmatured;
        tally.close(self.id);
        closedFor[LIAR] += deal.budget - deal.remaining;
        fee = tally.earnings(_sellers[LIAR].id).unmatured - fee;
        closedFor[LIAR] += fee;
        self.closed = true;
        for (uint256 i = 1; i < _empty.length; ++i) _empty[i - 1] = _empty[i];
        _empty.pop();
    }

    /// @dev What a proof should take: of a stream twice what it was paid for, at least the deal's bond.
    function _expect(bytes32 key, uint8 stream, Fault fault, uint32 id, uint256 proofGas) private {
        IDeals.DealView memory deal = tally.deal(id);
        (, uint48 units, ) = tally.stream(id, stream);
        uint256 asked = (2 * uint256(units) * deal.price * STAKE) / tally.parameters().stakeValue;
        uint256 bond_ = registry.lienValue(_liar(), deal.bond);
        if (bond_ > asked) asked = bond_;
        _expectAsked(keccak256(abi.encode(key, stream, fault)), asked, proofGas);
    }
}
