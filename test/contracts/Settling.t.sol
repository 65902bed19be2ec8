// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeals} from "../../contracts/interfaces/IDeals.sol";
import {DealTerms, Lane, Offer} from "../../contracts/interfaces/ITypes.sol";
import {Steps} from "./support/Steps.sol";

/// @notice Batches over many small deals of several providers, in pages and out of them: every group comes to what the
/// plain rules say, whatever stood before it in its batch and wherever its deal was read.
contract SettlingTest is Steps {
    uint256 private constant DEALS = 12;
    uint256 private constant SELLERS = 5; // the rooms of four stand in one word
    uint256 private constant ACTS = 8;

    function setUp() public {
        for (uint256 i = 0; i < SELLERS; ++i) _join(i);
        for (uint256 i = 0; i < DEALS; ++i) _openSmall(uint256(keccak256(abi.encode("deal", i))));
        _pass(2 hours);
        tally.packDeals(_packable(type(uint256).max));
    }

    function testFuzz_EveryGroupIsJudgedByTheRules(uint256 seed) public {
        for (uint256 i = 0; i < ACTS; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            _act(seed >> 8, seed % 16);
            vm.assertEq(misjudgedFacts, expectedFacts, "facts");
        }
    }

    function _act(uint256 seed, uint256 what) private {
        if (what == 0) return _pass(_within(seed, 1, 30 hours));
        if (what == 1) return _repack(seed);
        if (what == 2) return _change(seed);
        if (what == 3) return _cutCover(seed);
        Lane lane =
            what == 4
                ? Lane.Acknowledged
                : what == 5
                    ? Lane.Forced
                    : Lane.Attested;
        uint256[] memory chosen = _companions(seed % DEALS, seed >> 8, lane);
        _pass(_within(seed >> 16, 1, 40 minutes));
        _carryOut(_plan(chosen, seed >> 32, lane), seed >> 64);
    }

    /// @dev A deal of a few dollars, some of them before anything is acknowledged.
    function _openSmall(uint256 seed) private {
        Offer memory offer = _offer(seed % SELLERS, seed >> 16);
        (offer.price, offer.rateCap, offer.openingFee) = (1000, 36_000, 0);
        DealTerms memory terms = _terms(seed >> 140, uint64(_within(seed >> 100, 1 * USD, 40 * USD)));
        terms.duration = uint32(_within(seed >> 64, 1 days, 6 days));
        if (seed % 4 == 0) terms.exposure = 3000;
        _take(seed % BUYERS, seed % SELLERS, offer, terms, false);
    }

    function _repack(uint256 seed) private {
        uint32[] memory ids = _packable(seed);
        if (ids.length != 0) tally.packDeals(ids);
    }

    /// @dev Ends a deal, or lets its buyer acknowledge or add to it.
    function _change(uint256 seed) private {
        uint256 job = seed % DEALS;
        Job storage self = _jobs[job];
        IDeals.DealView memory view_ = tally.deal(self.id);
        if (view_.state != IDeals.DealState.Open) return;
        seed >>= 8;
        if (seed % 3 == 0) {
            vm.prank(buyer(self.buyer));
            tally.stop(self.id);
        } else if (seed % 3 == 1 && self.movedUnits * self.offer.price <= view_.budget) {
            _fund(self.buyer, USD);
            _coverBond(self.provider, USD);
            vm.prank(buyer(self.buyer));
            tally.topUp(self.id, self.offer, self.nonce, uint64(USD));
        } else {
            (, , uint48 known) = tally.stream(self.id, 0);
            uint48 units = known + uint48(_within(seed >> 64, 1, 5000));
            tally.acknowledge(self.id, 0, 1, units, keccak256(""), _acknowledgement(job, 0, 1, units, ""));
        }
    }

    /// @dev All stake of a provider thaws that is not reserved, so that little more can be credited.
    function _cutCover(uint256 seed) private {
        uint256 seller = seed % SELLERS;
        address owner = vm.addr(_sellers[seller].owner);
        if (seed % 2 == 0) return _stake(seller, 1 + ((seed >> 8) % (20 * STAKE)));
        uint96 free = registry.providerOf(_sellers[seller].id).stake - registry.providerOf(_sellers[seller].id).liens;
        if (free == 0) return;
        vm.prank(owner);
        registry.thaw(_sellers[seller].id, free);
    }
}
