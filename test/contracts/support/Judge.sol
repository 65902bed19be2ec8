// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeals} from "../../../contracts/interfaces/IDeals.sol";
import {IEarnings} from "../../../contracts/interfaces/IEarnings.sol";
import {Lane, Outcome} from "../../../contracts/interfaces/ITypes.sol";
import {Market} from "./Market.sol";

/// @notice What settling should do to each group, rule by rule in the order of docs/protocol.md, from what the
/// settlement's views say before.
/// @dev Knows no pages, rooms or words: whatever the settlement reads instead of its storage must come to the same.
abstract contract Judge is Market {
    /// @notice One group to be settled; `units` are the stream's after it.
    struct Step {
        uint256 job;
        uint256 stream;
        uint256 first;
        uint256 count;
        uint256 units;
        Hand hand;
    }

    /// @dev What changes from group to group: of the deal at hand what its streams come to and may come to, of every
    /// provider the room.
    struct Bench {
        uint256 clock;
        uint256 job;
        uint256 settled;
        uint256 allowance;
        int256[] rooms;
        IDeals.DealView deal;
    }

    /// @notice Batches whose facts were not what the rules say.
    uint256 public misjudged;
    /// @notice Facts of the last of them, and what they should have been.
    bytes public misjudgedFacts;
    bytes public expectedFacts;

    /// @dev Facts that settling `steps` should return.
    function _expectedFacts(Step[] memory steps, Lane lane) internal view returns (bytes memory facts) {
        Bench memory bench;
        bench.clock = tally.clock();
        bench.job = type(uint256).max;
        bench.rooms = new int256[](_sellers.length);
        for (uint256 i = 0; i < bench.rooms.length; ++i) {
            IEarnings.EarningsView memory earned = tally.earnings(_sellers[i].id);
            bench.rooms[i] = int256(uint256(earned.cover)) - int256(uint256(earned.unmatured));
        }
        for (uint256 i = 0; i < steps.length; ++i) facts = abi.encodePacked(facts, _judge(bench, steps[i], lane));
    }

    function _compare(bytes memory facts, bytes memory expected) internal {
        if (keccak256(facts) == keccak256(expected)) return;
        ++misjudged;
        (misjudgedFacts, expectedFacts) = (facts, expected);
    }

    function _judge(Bench memory bench, Step memory step, Lane lane) private view returns (bytes16) {
        if (bench.job != step.job) _take(bench, step.job);
        (uint32 cursor, uint48 units, uint48 vouched) = tally.stream(_jobs[step.job].id, uint8(step.stream));
        Outcome outcome = _standing(bench, step, cursor);
        if (outcome == Outcome.Applied) outcome = _qualified(bench, step);
        if (outcome != Outcome.Applied) return _record(outcome, 0, 0, 0);

        uint256 acknowledged = lane == Lane.Acknowledged && step.units > vouched ? step.units - vouched : 0;
        uint256 settled = bench.settled + step.units - units;
        (uint256 before, uint256 after_) = (_paid(bench, bench.settled), _paid(bench, settled));
        if (after_ > (bench.allowance + acknowledged) * bench.deal.price) {
            return _record(Outcome.ExposureExceeded, 0, 0, 0);
        }
        uint256 seller = _jobs[step.job].provider;
        int256 amount = int256(after_ - before);
        if (lane != Lane.Acknowledged) {
            // what costs nothing needs no room, even where there is less than none
            if (amount != 0 && amount > bench.rooms[seller]) return _record(Outcome.CoverageExceeded, 0, 0, 0);
            bench.rooms[seller] -= amount;
        }
        (bench.settled, bench.allowance) = (settled, bench.allowance + acknowledged);
        bool clamped = settled * bench.deal.price > bench.deal.budget;
        return _record(clamped ? Outcome.Clamped : Outcome.Applied, cursor, units, after_ - before);
    }

    /// @dev The deal's facts; its streams' units stand as they did before the batch.
    function _take(Bench memory bench, uint256 job) private view {
        bench.job = job;
        bench.deal = tally.deal(_jobs[job].id);
        bench.allowance = bench.deal.allowance;
        bench.settled = 0;
        for (uint8 i = 0; i < bench.deal.streams; ++i) {
            (, uint48 units, ) = tally.stream(_jobs[job].id, i);
            bench.settled += units;
        }
    }

    function _standing(Bench memory bench, Step memory step, uint256 cursor) private view returns (Outcome) {
        IDeals.DealView memory deal = bench.deal;
        bool lives = deal.state == IDeals.DealState.Open || deal.state == IDeals.DealState.Closing;
        if (!lives || bench.clock >= deal.end + tally.parameters().closingPeriod) return Outcome.DealNotOpen;
        if (step.stream >= deal.streams) return Outcome.StreamOutOfRange;
        if (step.first > cursor) return Outcome.Gap;
        if (step.count <= cursor) return Outcome.Stale;
        return step.units == _units(step.job, step.stream, step.count) ? Outcome.Applied : Outcome.UnitsMismatch;
    }

    function _qualified(Bench memory bench, Step memory step) private pure returns (Outcome) {
        if (step.hand.revokedFrom != 0 && bench.clock >= step.hand.revokedFrom) return Outcome.NotAWorker;
        uint256 until = bench.clock < bench.deal.end ? bench.clock : bench.deal.end;
        uint256 limit = (uint256(bench.deal.rateCap) * (until - bench.deal.openedAt)) / 1 hours;
        return step.units > limit ? Outcome.RateExceeded : Outcome.Applied;
    }

    function _paid(Bench memory bench, uint256 units) private pure returns (uint256 amount) {
        amount = units * bench.deal.price;
        if (amount > bench.deal.budget) amount = bench.deal.budget;
    }

    function _record(Outcome outcome, uint256 cursor, uint256 units, uint256 amount) private pure returns (bytes16) {
        return bytes16(abi.encodePacked(uint8(outcome), uint24(cursor), uint40(units), uint56(amount)));
    }
}
