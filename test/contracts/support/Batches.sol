// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeals} from "../../../contracts/interfaces/IDeals.sol";
import {Lane, Outcome} from "../../../contracts/interfaces/ITypes.sol";
import {ReferenceBatchLib} from "../../../contracts/reference/ReferenceBatchLib.sol";
import {Judge} from "./Judge.sol";

/// @notice Batches of random work over several deals, signed, sent and booked.
abstract contract Batches is Judge {
    /// @notice A batch to be sent; groups by rising stream number, so those of one job stand together.
    struct Plan {
        Lane lane;
        Step[] steps;
        bytes batch;
        bytes32 root;
    }

    uint256 private constant MAX_JOBS = 3;
    uint256 private constant MAX_STEPS = 3 * MAX_JOBS;
    uint256 private constant MAX_UNITS = type(uint24).max;

    /// @dev New work of the jobs and of streams of theirs by chance, now and then sent again or with a gap.
    function _plan(uint256[] memory chosen, uint256 seed, Lane lane) internal returns (Plan memory plan) {
        plan.lane = lane;
        plan.steps = new Step[](MAX_STEPS);
        uint256 count = 0;
        for (uint256 i = 0; i < chosen.length; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 wanted = count + 1 + (seed % 3);
            uint256 streams = _jobs[chosen[i]].streams;
            Hand memory hand = _anyHand(_jobs[chosen[i]].provider, seed >> 8);
            for (uint256 stream = (seed >> 16) % streams; stream < streams && count < wanted; ++stream) {
                plan.steps[count++] = _step(chosen[i], stream, uint256(keccak256(abi.encode(seed, stream))), hand);
            }
        }
        Step[] memory steps = plan.steps;
        assembly ("memory-safe") {
            mstore(steps, count)
        }
        _encode(plan, seed);
    }

    /// @dev A worker that works still or one whose revocation may have come.
    function _anyHand(uint256 seller, uint256 seed) private view returns (Hand memory hand) {
        hand = _hand(seller, seed);
        if (seed % 8 != 0) return hand;
        Seller storage self = _sellers[seller];
        return _hands[self.firstWorker + ((seed >> 8) % self.workers)];
    }

    function _step(uint256 job, uint256 stream, uint256 seed, Hand memory hand) private returns (Step memory step) {
        (uint32 cursor, uint48 units, ) = tally.stream(_jobs[job].id, uint8(stream));
        _labour(job, stream, units, seed);
        (step.job, step.stream, step.hand) = (job, stream, hand);
        step.count = _work[job][stream].length;
        step.first = seed % 4 == 0 ? (seed >> 8) % (cursor + 1) : cursor;
        if (seed % 32 == 1 && step.count > cursor + 1) step.first = cursor + 1; // a gap
        if (seed % 32 == 2 && cursor != 0) (step.first, step.count) = (cursor - 1, cursor); // stale
        step.units = _units(job, stream, step.count);
        if (seed % 32 == 4) ++step.units; // not what the receipts say
    }

    /// @dev Up to three more receipts, most of them within the rate; at least one of one unit.
    function _labour(uint256 job, uint256 stream, uint256 units, uint256 seed) private {
        IDeals.DealView memory view_ = tally.deal(_jobs[job].id);
        uint256 limit = (uint256(view_.rateCap) * (tally.clock() - view_.openedAt)) / 3600;
        uint256 room = limit > units ? limit - units : 0;
        if (seed % 32 == 3) room *= 4; // too fast
        for (uint256 i = 0; i < 1 + ((seed >> 128) % 3); ++i) {
            uint256 part = _within(seed >> (136 + 16 * i), 1, room / 3 + 1);
            _work[job][stream].push(part > MAX_UNITS ? MAX_UNITS : part);
        }
    }

    /// @dev What nobody was paid for is forgotten, so that the next tally follows the chain again.
    function _forget(uint256 job, uint256 stream) private {
        (uint32 cursor, , ) = tally.stream(_jobs[job].id, uint8(stream));
        while (_work[job][stream].length > cursor) _work[job][stream].pop();
    }

    function _encode(Plan memory plan, uint256 seed) private view {
        plan.batch = abi.encodePacked(uint8(0), uint8(plan.lane));
        bytes32[] memory leaves = new bytes32[](plan.steps.length);
        for (uint256 i = 0; i < leaves.length; ++i) {
            seed = uint256(keccak256(abi.encode(seed, i)));
            bytes memory receipts = _receipts(plan.steps[i]);
            leaves[i] = _tallyHash(plan.steps[i], receipts);
            plan.batch = abi.encodePacked(
                plan.batch,
                _group(plan.steps[i], receipts, plan.lane, _place(plan, i, seed))
            );
        }
        bytes32 leavesRoot = ReferenceBatchLib.leavesRoot(leaves);
        plan.root = keccak256(abi.encode(uint8(0), plan.steps.length, leavesRoot, bytes32(0)));
    }

    /// @dev Where the deal stands in a page, most of the time; any other number must do, too.
    function _place(Plan memory plan, uint256 step, uint256 seed) internal view returns (uint32) {
        uint32 right = tally.deal(_jobs[plan.steps[step].job].id).place;
        if (seed % 8 < 5) return right;
        if (seed % 8 == 5) return 0;
        if (seed % 8 == 6) return tally.deal(_jobs[(seed >> 8) % _jobs.length].id).place;
        return right ^ uint32(1 << ((seed >> 8) % 32));
    }

    function _receipts(Step memory step) private view returns (bytes memory data) {
        uint256[] storage work = _work[step.job][step.stream];
        for (uint256 i = step.first; i < step.count; ++i) {
            data = abi.encodePacked(data, uint24(work[i]), keccak256(abi.encode(step.job, step.stream, i)));
        }
    }

    function _tallyHash(Step memory step, bytes memory receipts) private view returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    keccak256(
                        "Tally(bytes32 dealKey,uint8 stream,uint32 first,uint32 count,uint48 units,bytes32 segment)"
                    ),
                    _jobs[step.job].key,
                    step.stream,
                    step.first,
                    step.count,
                    step.units,
                    keccak256(receipts)
                )
            );
    }

    function _group(
        Step memory step,
        bytes memory receipts,
        Lane lane,
        uint32 place
    ) private view returns (bytes memory data) {
        data = abi.encodePacked(
            uint40(uint256(_jobs[step.job].id) * 64 + step.stream),
            place,
            step.hand.index,
            uint24(step.first),
            uint16(step.count - step.first),
            uint40(step.units)
        );
        data = abi.encodePacked(data, _signCompact(step.hand.key, _digest(_tallyHash(step, receipts))));
        if (lane == Lane.Acknowledged) {
            bytes memory vouched = _acknowledgement(step.job, step.stream, step.count, step.units, receipts);
            data = abi.encodePacked(data, vouched);
        }
        return abi.encodePacked(data, receipts);
    }

    /// @dev Sends a plan and books what moved.
    /// @return moved Groups that did.
    function _carryOut(Plan memory plan, uint256 seed) internal returns (uint256 moved) {
        bytes memory expected = _expectedFacts(plan.steps, plan.lane);
        (uint256[] memory remaining, uint256[] memory units) = (new uint256[](MAX_STEPS), new uint256[](MAX_STEPS));
        for (uint256 i = 0; i < plan.steps.length; ++i) {
            Step memory step = plan.steps[i];
            uint32 id = _jobs[step.job].id;
            (, uint48 before, ) = tally.stream(id, uint8(step.stream));
            (remaining[i], units[i]) = (tally.deal(id).remaining, step.units > before ? step.units - before : 0);
        }
        bytes memory facts = _send(plan, seed);
        _compare(facts, expected);
        for (uint256 i = 0; i < plan.steps.length; ++i) {
            uint256 job = plan.steps[i].job;
            bool first = i == 0 || plan.steps[i - 1].job != job;
            if (!first) remaining[i] = remaining[i - 1];
            if (uint8(facts[16 * i]) <= uint8(Outcome.Clamped)) {
                _bookMoves(job, plan.lane, remaining[i], units[i]);
                uint256 due = units[i] * _jobs[job].offer.price;
                remaining[i] -= due < remaining[i] ? due : remaining[i];
                ++moved;
            } else {
                _forget(job, plan.steps[i].stream);
            }
        }
    }

    function _send(Plan memory plan, uint256 seed) private returns (bytes memory) {
        (address sender, bytes memory authority) = _authority(plan, seed);
        vm.prank(sender, sender);
        return tally.settle(plan.batch, authority);
    }

    /// @dev Who sends a plan, and what allows it.
    function _authority(Plan memory plan, uint256 seed) internal view returns (address sender, bytes memory authority) {
        sender = RELAYER;
        if (plan.lane == Lane.Attested) authority = _attest(plan.root, seed % MEMBERS);
        if (plan.lane == Lane.Forced) {
            uint256 owner = _sellers[_jobs[plan.steps[0].job].provider].owner;
            if (seed % 2 == 0) return (vm.addr(owner), "");
            bytes32 hash = keccak256(abi.encode(keccak256("Force(bytes32 root,address sender)"), plan.root, sender));
            authority = _signCompact(owner, _digest(hash));
        }
    }
}
