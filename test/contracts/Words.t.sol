// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CodePages} from "../../contracts/libraries/CodePages.sol";
import {DealPages} from "../../contracts/libraries/DealPages.sol";
import {Cell, CellLib} from "../../contracts/types/Cell.sol";
import {Epoch, EpochLib} from "../../contracts/types/Epoch.sol";
import {Purse, PurseLib} from "../../contracts/types/Purse.sol";
import {Terms, TermsLib} from "../../contracts/types/Terms.sol";
import {LongWheel, LongWheelLib, RoomLib, Wheel, WheelLib} from "../../contracts/types/Wheel.sol";
import {Probe} from "./support/Probe.sol";

/// @notice Packed words: every field holds its whole width and rewriting one leaves the others alone.
contract WordsTest is Probe {
    uint256 private constant MAX_HELD = 2 ** 55 - 1;

    function testFuzz_TermsHoldEveryField(
        uint32 id,
        uint64 price,
        uint32[4] memory numbers,
        uint8 streams,
        uint8 kind,
        uint8 mode
    ) public pure {
        Terms terms = TermsLib.pack(id, price, numbers[0], numbers[1], numbers[2], numbers[3]);
        terms = terms.withWork(streams, kind % 4, mode % 4);
        vm.assertEq(terms.id(), id, "id");
        vm.assertEq(terms.price(), price, "price");
        vm.assertEq(terms.provider(), numbers[0], "provider");
        vm.assertEq(terms.rateCap(), numbers[1], "rateCap");
        vm.assertEq(terms.openedAt(), numbers[2], "openedAt");
        vm.assertEq(terms.end(), numbers[3], "end");
        vm.assertEq(terms.streams(), streams, "streams");
        vm.assertEq(terms.kind(), kind % 4, "kind");
        vm.assertEq(terms.mode(), mode % 4, "mode");
        vm.assertEq(terms.state(), TermsLib.LIVE, "state");
    }

    function testFuzz_TermsRewriteOneField(uint256 word, uint32 end, uint8 state) public pure {
        Terms terms = Terms.wrap(word);
        Terms stopped = terms.withEnd(end);
        vm.assertEq(stopped.end(), end, "end");
        vm.assertEq(Terms.unwrap(stopped.withEnd(terms.end())), word, "the rest of an end");
        Terms closed = terms.withState(state % 4);
        vm.assertEq(closed.state(), state % 4, "state");
        vm.assertEq(Terms.unwrap(closed.withState(terms.state())), word, "the rest of a state");
    }

    function testFuzz_PurseHoldsEveryField(uint64 budget, uint64 allowance, uint64 openingFee) public pure {
        Purse purse = PurseLib.pack(budget, allowance, openingFee);
        vm.assertEq(purse.budget(), budget, "budget");
        vm.assertEq(purse.allowance(), allowance, "allowance");
        vm.assertEq(purse.openingFee(), openingFee, "openingFee");
        vm.assertEq(purse.closedAt(), 0, "closedAt");
        vm.assertEq(purse.place(), 0, "place");
    }

    function testFuzz_PurseRewritesOneField(
        uint256 word,
        uint64 budget,
        uint64 allowance,
        uint32 closedAt,
        uint32 place
    ) public pure {
        Purse purse = Purse.wrap(word);
        Purse added = purse.withBudget(budget);
        vm.assertEq(added.budget(), budget, "budget");
        vm.assertEq(Purse.unwrap(added.withBudget(purse.budget())), word, "the rest of a budget");
        Purse allowed = purse.withAllowance(allowance);
        vm.assertEq(allowed.allowance(), allowance, "allowance");
        vm.assertEq(Purse.unwrap(allowed.withAllowance(purse.allowance())), word, "the rest of an allowance");
        Purse closed = purse.withClosedAt(closedAt);
        vm.assertEq(closed.closedAt(), closedAt, "closedAt");
        vm.assertEq(Purse.unwrap(closed.withClosedAt(purse.closedAt())), word, "the rest of a closing");
        Purse placed = purse.withPlace(place);
        vm.assertEq(placed.place(), place, "place");
        vm.assertEq(Purse.unwrap(placed.withPlace(purse.place())), word, "the rest of a place");
    }

    function testFuzz_CellsStandSideBySide(uint256 word, uint24 cursor, uint40 units, uint8 position) public pure {
        position %= 4;
        Cell cell = CellLib.pack(cursor, units);
        vm.assertEq(cell.cursor(), cursor, "cursor");
        vm.assertEq(cell.units(), units, "units");
        uint256 written = CellLib.write(word, position, cell);
        vm.assertEq(Cell.unwrap(CellLib.read(written, position)), Cell.unwrap(cell), "cell");
        vm.assertEq(CellLib.write(written, position, CellLib.read(word, position)), word, "the rest of a word");
    }

    function testFuzz_CellsAddUp(uint24[4] memory cursors, uint40[4] memory units) public pure {
        (uint256 word, uint256 sum) = (0, 0);
        for (uint256 i = 0; i < 4; ++i) word = CellLib.write(word, i, CellLib.pack(cursors[i], units[i]));
        for (uint256 i = 0; i <= 4; ++i) {
            vm.assertEq(CellLib.sum(word, i), sum, "sum");
            if (i < 4) sum += units[i];
        }
    }

    /// Two deals share a word: the streams of one stand in the half where those of the other do not.
    function testFuzz_InlineCellsOfTwoDealsAreApart(uint32 id) public pure {
        uint256 even = id - (id % 2);
        uint256 seen = 0;
        for (uint256 i = 0; i < 4; ++i) seen |= 1 << CellLib.inlinePosition(even + i / 2, i % 2);
        vm.assertEq(seen, 15, "four positions");
        vm.assertEq(CellLib.inlinePosition(even, 1), 1, "even in the low half");
        vm.assertEq(CellLib.inlinePosition(even + 1, 0), 2, "odd in the high half");
    }

    function testFuzz_WheelHoldsEveryField(
        uint256 claimable,
        uint256 next,
        uint256 later,
        uint24 day,
        bool revoked,
        uint8 due
    ) public pure {
        claimable = _within(claimable, 0, MAX_HELD);
        next = _within(next, 0, MAX_HELD);
        later = _within(later, 0, MAX_HELD);
        due %= 8;
        Wheel wheel = Wheel.wrap(0).withClaimable(claimable).withNext(next).withLater(later).withDay(day);
        if (revoked) wheel = wheel.with(WheelLib.REVOCATIONS);
        wheel = wheel.with(WheelLib.LONG).without(WheelLib.LONG).withIssued(7).withIssued(due);
        vm.assertEq(wheel.claimable(), claimable, "claimable");
        vm.assertEq(wheel.next(), next, "next");
        vm.assertEq(wheel.later(), later, "later");
        vm.assertEq(wheel.day(), day, "day");
        vm.assertEq(wheel.due(), due, "due");
        vm.assertTrue(wheel.has(WheelLib.ISSUED), "issued");
        vm.assertTrue(!wheel.without(WheelLib.ISSUED).has(WheelLib.ISSUED), "no longer issued");
        vm.assertTrue(wheel.has(WheelLib.REVOCATIONS) == revoked, "revocations");
        vm.assertTrue(!wheel.has(WheelLib.LONG), "long");
        vm.assertTrue(wheel.room() == 0, "room");
    }

    function testFuzz_WheelRoomIsSigned(uint256 word, uint256 cover, uint256 unmatured) public pure {
        (cover, unmatured) = (_within(cover, 0, MAX_HELD), _within(unmatured, 0, MAX_HELD));
        Wheel wheel = Wheel.wrap(word & type(uint200).max);
        Wheel used = wheel.addRoom(int256(cover)).addRoom(-int256(unmatured));
        vm.assertTrue(used.room() == int256(cover) - int256(unmatured), "room");
        vm.assertEq(Wheel.unwrap(used) & type(uint200).max, Wheel.unwrap(wheel), "the rest of a room");
    }

    function testFuzz_RoomsStandSideBySide(uint256 word, uint256 cover, uint16 today, uint32 provider) public pure {
        Wheel wheel = Wheel.wrap(0).addRoom(int256(_within(cover, 0, MAX_HELD)));
        uint256 whole = RoomLib.whole(wheel);
        vm.assertEq(
            whole,
            wheel.room() > _mostOfARoom() ? uint256(_mostOfARoom()) : uint256(wheel.room()),
            "as much as fits"
        );
        uint256 written = RoomLib.put(word, provider, RoomLib.issue(wheel, today));
        vm.assertTrue(RoomLib.isOf(written, provider, today), "of the day");
        vm.assertEq(RoomLib.left(written, provider, today), whole, "left");
        vm.assertEq(RoomLib.left(written, provider, uint256(today) + 1), 0, "left on another day");
        vm.assertTrue(!RoomLib.isOf(written, provider, uint256(today) + 1), "of another day");
        uint256 amount = whole == 0 ? 0 : cover % whole;
        uint256 taken = RoomLib.take(written, provider, amount);
        vm.assertEq(RoomLib.left(taken, provider, today), whole - amount, "left after taking");
        uint256 others = ~(uint256(type(uint64).max) << (64 * (provider % 4)));
        vm.assertEq(taken & others, word & others, "the rooms of others");
    }

    function test_ARoomBelowNothingIsNone() public pure {
        Wheel wheel = Wheel.wrap(0).addRoom(-1);
        vm.assertEq(RoomLib.whole(wheel), 0, "whole");
        vm.assertEq(RoomLib.issue(wheel, 7), 7, "a room of nothing, of the day");
    }

    function testFuzz_LongWheelMovesItsBuckets(uint256[4] memory amounts, uint32 day, uint8 span) public pure {
        LongWheel wheel = LongWheel.wrap(day);
        for (uint256 i = 0; i < LongWheelLib.BUCKETS; ++i) {
            amounts[i] = _within(amounts[i], 0, MAX_HELD);
            wheel = wheel.add(i, amounts[i]);
        }
        for (uint256 i = 0; i < LongWheelLib.BUCKETS; ++i) vm.assertEq(wheel.bucket(i), amounts[i], "bucket");
        uint256 passed = _within(span, 0, 9);
        if (uint256(day) + passed > type(uint32).max) return;
        LongWheel moved = wheel.forward(passed);
        vm.assertEq(moved.day(), day + passed, "day");
        for (uint256 i = 0; i < LongWheelLib.BUCKETS; ++i) {
            vm.assertEq(moved.bucket(i), i + passed < LongWheelLib.BUCKETS ? amounts[i + passed] : 0, "moved bucket");
        }
    }

    function testFuzz_EpochHoldsEveryField(
        uint32 number,
        address page,
        uint8 threshold,
        uint8 members,
        uint40 until
    ) public pure {
        Epoch epoch = EpochLib.pack(number, page, threshold, members);
        vm.assertEq(epoch.until(), 0, "until, of one in force");
        epoch = epoch.endedBy(until);
        vm.assertEq(epoch.number(), number, "number");
        vm.assertTrue(epoch.page() == page, "page");
        vm.assertEq(epoch.threshold(), threshold, "threshold");
        vm.assertEq(epoch.members(), members, "members");
        vm.assertEq(epoch.until(), until, "until");
    }

    function testFuzz_DealPagesGiveBackEveryRow(bytes32 seed, uint8 count) public {
        uint256 rows = _within(count, 1, 20);
        bytes memory content = DealPages.empty(rows);
        // backwards and then every second one again: a row touches no other
        for (uint256 i = rows; i > 0; --i) _writeRow(content, i - 1, keccak256(abi.encode("other", seed)));
        for (uint256 i = 0; i < rows; ++i) _writeRow(content, i, seed);
        (uint256 at_, uint256 size, ) = CodePages.load(CodePages.create(content), 0, 0);
        vm.assertEq(size, 80 * rows, "size");
        for (uint256 i = 0; i < rows; ++i) {
            (bytes32 key, Terms terms, Purse purse) = DealPages.read(at_, i);
            vm.assertEq(key, keccak256(abi.encode(seed, i)), "key");
            vm.assertEq(Terms.unwrap(terms), uint256(keccak256(abi.encode(key))), "terms");
            vm.assertEq(Purse.unwrap(purse), (_purse(key) >> 128) << 128, "budget and allowance");
        }
    }

    function _writeRow(bytes memory content, uint256 row, bytes32 seed) private pure {
        bytes32 key = keccak256(abi.encode(seed, row));
        Terms terms = Terms.wrap(uint256(keccak256(abi.encode(key))));
        DealPages.write(content, row, key, terms, Purse.wrap(_purse(key)));
    }

    function _purse(bytes32 key) private pure returns (uint256) {
        return uint256(keccak256(abi.encode("purse", key)));
    }

    function _mostOfARoom() private pure returns (int256) {
        return int256(uint256(type(uint48).max));
    }
}
