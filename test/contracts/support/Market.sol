// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeals} from "../../../contracts/interfaces/IDeals.sol";
import {DealTerms, Kind, Lane, Mode, Offer} from "../../../contracts/interfaces/ITypes.sol";
import {World} from "./World.sol";

/// @notice Buyers, providers, deals and their streams, and what should have been paid for them.
/// @dev The books are kept beside the contracts, from what was signed and when: invariants compare the two.
abstract contract Market is World {
    /// @notice A deal that was opened.
    struct Job {
        uint32 id;
        bytes32 key;
        Offer offer;
        uint64 nonce;
        uint256 buyer;
        uint256 provider;
        uint8 streams;
        bool closed;
        bool recycled;
        uint256 movedUnits;
        uint256 paid;
    }

    /// @notice A provider; `owner` is its key.
    struct Seller {
        uint32 id;
        uint256 owner;
        uint256 firstWorker;
        uint256 workers;
    }

    /// @notice A worker's key and the second its tallies stop settling, 0 if never.
    struct Hand {
        uint256 key;
        uint40 index;
        uint32 revokedFrom;
    }

    /// @notice Money that was credited and when it may leave.
    struct Credit {
        uint256 amount;
        uint256 day;
    }

    uint256 public constant BUYERS = 3;
    uint256 internal constant MAX_SELLERS = 6;

    Job[] internal _jobs;
    Seller[] internal _sellers;
    Hand[] internal _hands;
    mapping(uint256 job => mapping(uint256 stream => uint256[] units)) internal _work;
    mapping(uint256 seller => Credit[] credits) internal _credits;
    mapping(uint256 seller => uint256 gross) internal _acknowledged;
    /// @notice Tokens that reached payout accounts and treasuries.
    uint256 public paidOut;
    /// @notice Tokens that nobody is owed.
    uint256 public donated;
    /// @notice A credit that left a provider with more unmatured than its cover.
    uint256 public uncovered;

    function jobs() external view returns (Job[] memory) {
        return _jobs;
    }

    function sellers() external view returns (Seller[] memory) {
        return _sellers;
    }

    function buyer(uint256 index) public pure returns (address) {
        return vm.addr(_buyerKey(index));
    }

    /// @notice What a provider was credited that may not leave yet.
    function immature(uint256 seller) external view returns (uint256 sum) {
        uint256 today = tally.clock() / DAY;
        Credit[] storage credits = _credits[seller];
        for (uint256 i = 0; i < credits.length; ++i) if (credits[i].day > today) sum += credits[i].amount;
    }

    /// @notice Everything a provider was ever credited.
    function credited(uint256 seller) external view returns (uint256 sum) {
        Credit[] storage credits = _credits[seller];
        for (uint256 i = 0; i < credits.length; ++i) sum += credits[i].amount;
        return sum + _acknowledged[seller];
    }

    function _buyerKey(uint256 index) internal pure returns (uint256) {
        return _key("buyer", index);
    }

    function _ackKey(uint256 job) internal pure returns (uint256) {
        return _key("acknowledgement", job);
    }

    function _offer(uint256 seller, uint256 seed) internal view returns (Offer memory offer) {
        offer.provider = vm.addr(_sellers[seller].owner);
        offer.nonce = tally.offerNonce(offer.provider);
        offer.salt = keccak256(abi.encode(_jobs.length, seed));
        offer.kind = uint8(seed % 2 == 0 ? Kind.Repeatable : Kind.Service);
        offer.price = uint64(_within(seed >> 8, 1, 2000));
        offer.rateCap = uint32(_within(seed >> 24, 3600, 3_600_000));
        offer.minBudget = uint64(USD);
        offer.maxBudget = uint64(200 * USD);
        offer.total = uint64(250 * USD);
        offer.openingFee = uint64((seed >> 60) % ((offer.minBudget * tally.parameters().bondBps) / 10_000 + 1));
        offer.maxDuration = 30 days;
        offer.expiry = type(uint32).max;
        offer.mode = uint8(Mode.Calldata);
        offer.maxStreams = 62;
    }

    function _terms(uint256 seed, uint64 budget) internal view returns (DealTerms memory terms) {
        terms.budget = budget;
        terms.exposure = uint48(seed % 5 == 0 ? 20_000 : 1e9);
        terms.duration = uint32(_within(seed >> 8, 2 hours, 6 days));
        // One stream or two stand in a word with another deal's; more have words of their own.
        terms.streams = uint8(_within(seed >> 40, 1, seed % 3 == 0 ? 12 : 2));
        terms.ackKey = vm.addr(_ackKey(_jobs.length));
    }

    /// @dev Writes a deal into the books that `buyer_` has just opened.
    function _book(uint32 id, Offer memory offer, uint256 buyer_, uint256 seller, uint8 streams) internal {
        (, , uint64 nonce) = tally.account(buyer(buyer_));
        Job storage job = _jobs.push();
        (job.id, job.key, job.offer, job.nonce) = (id, tally.deal(id).key, offer, nonce - 1);
        (job.buyer, job.provider, job.streams) = (buyer_, seller, streams);
    }

    /// @dev A job in `state`, from `seed` on; its place plus one, 0 if there is none.
    function _find(uint256 seed, IDeals.DealState state) internal view returns (uint256) {
        for (uint256 i = 0; i < _jobs.length; ++i) {
            uint256 place = ((seed % _jobs.length) + i) % _jobs.length;
            if (!_jobs[place].recycled && tally.deal(_jobs[place].id).state == state) return place + 1;
        }
        return 0;
    }

    /// @dev A worker of the seller whose tallies settle still.
    function _hand(uint256 seller, uint256 seed) internal view returns (Hand memory) {
        Seller storage self = _sellers[seller];
        for (uint256 i = 0; i < self.workers; ++i) {
            Hand memory hand = _hands[self.firstWorker + (((seed % self.workers) + i) % self.workers)];
            if (hand.revokedFrom == 0) return hand;
        }
        revert("every worker is revoked");
    }

    function _units(uint256 job, uint256 stream, uint256 count) internal view returns (uint256 sum) {
        uint256[] storage work = _work[job][stream];
        for (uint256 i = 0; i < count; ++i) sum += work[i];
    }

    function _acknowledgement(
        uint256 job,
        uint256 stream,
        uint256 count,
        uint256 units,
        bytes memory data
    ) internal view returns (bytes memory) {
        bytes32 hash = keccak256(
            abi.encode(
                keccak256("Acknowledgement(bytes32 dealKey,uint8 stream,uint32 count,uint48 units,bytes32 segment)"),
                _jobs[job].key,
                stream,
                count,
                units,
                keccak256(data)
            )
        );
        return _signCompact(_ackKey(job), _digest(hash));
    }

    /// @dev Books what a batch moved of one job: what was signed, at its price, as far as the money went.
    function _bookMoves(uint256 job, Lane lane, uint256 remaining, uint256 units) internal {
        Job storage self = _jobs[job];
        uint256 amount = units * self.offer.price;
        if (amount > remaining) amount = remaining;
        self.movedUnits += units;
        self.paid += amount;
        uint256 clock = tally.clock();
        if (lane == Lane.Acknowledged) _acknowledged[self.provider] += amount;
        else if (lane == Lane.Attested) _bookCredit(self.provider, amount, clock / DAY + 2);
        else _bookCredit(self.provider, amount, _forcedDay(clock));
    }

    /// @dev Day at whose start money matures that was settled at `clock` by force.
    function _forcedDay(uint256 clock) internal pure returns (uint256) {
        return (clock + 3 days + DAY - 1) / DAY;
    }

    function _bookCredit(uint256 seller, uint256 amount, uint256 day) internal {
        if (amount == 0) return;
        _credits[seller].push(Credit(amount, day));
        uint32 id = _sellers[seller].id;
        if (tally.earnings(id).unmatured > tally.earnings(id).cover) ++uncovered;
    }
}
