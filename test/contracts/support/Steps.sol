// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeals} from "../../../contracts/interfaces/IDeals.sol";
import {IRegistry} from "../../../contracts/interfaces/IRegistry.sol";
import {DealTerms, Lane, Offer, Permit} from "../../../contracts/interfaces/ITypes.sol";
import {Batches} from "./Batches.sol";

/// @notice What random calls are made of: money, stake, workers, deals and batches where they are needed.
abstract contract Steps is Batches {
    function _fund(uint256 who, uint256 amount) internal {
        address account = buyer(who);
        dollar.mint(account, amount);
        vm.prank(account);
        dollar.approve(address(tally), amount);
        vm.prank(account);
        tally.deposit(account, uint64(amount));
    }

    function _join(uint256 index) internal {
        uint256 owner = _key("owner", index);
        stakeToken.mint(vm.addr(owner), 150 * STAKE);
        Permit memory permit = _permit(stakeToken, owner, address(registry), 150 * STAKE);
        vm.prank(vm.addr(owner));
        uint32 id = registry.join(uint96(150 * STAKE), permit, vm.addr(_key("payout", index)), address(0), "");
        _sellers.push(Seller(id, owner, 0, 0));
        _rehire(index);
    }

    /// @dev Two fresh workers on a new page; the seller's others work no more.
    function _rehire(uint256 seller) internal {
        Seller storage self = _sellers[seller];
        uint256 place = _hands.length;
        (uint256 a, uint256 b) = (_key("worker", place), _key("worker", place + 1));
        vm.prank(vm.addr(self.owner));
        uint40 first = registry.registerWorkers(self.id, abi.encodePacked(vm.addr(a), vm.addr(b)));
        _hands.push(Hand(a, first, 0));
        _hands.push(Hand(b, first + 1, 0));
        (self.firstWorker, self.workers) = (place, 2);
    }

    function _stake(uint256 seller, uint256 amount) internal virtual {
        address owner = vm.addr(_sellers[seller].owner);
        stakeToken.mint(owner, amount);
        vm.prank(owner);
        stakeToken.approve(address(registry), amount);
        vm.prank(owner);
        registry.stake(_sellers[seller].id, uint96(amount));
    }

    /// @dev Stake for the bond of `amount` more budget, were the seller short of it.
    function _coverBond(uint256 seller, uint256 amount) internal {
        IRegistry.ProviderView memory view_ = registry.providerOf(_sellers[seller].id);
        uint256 bond = amount * 25e10; // a quarter: more than the parameters ever ask
        if (view_.stake < view_.liens + bond) _stake(seller, bond);
    }

    function _open(uint256 seed, bool withPermit) internal returns (uint256 job) {
        (uint256 who, uint256 seller) = (seed % BUYERS, (seed >> 8) % _sellers.length);
        Offer memory offer = _offer(seller, seed >> 16);
        uint64 budget = uint64(_within(seed >> 100, 2 * USD, 150 * USD));
        DealTerms memory terms = _terms(seed >> 140, budget);
        offer.openingFee = uint64((seed >> 120) % ((uint256(budget) * tally.parameters().bondBps) / 10_000 + 1));
        return _take(who, seller, offer, terms, withPermit);
    }

    function _take(
        uint256 who,
        uint256 seller,
        Offer memory offer,
        DealTerms memory terms,
        bool withPermit
    ) internal returns (uint256 job) {
        bytes memory signature = _signOffer(_sellers[seller].owner, offer);
        _coverBond(seller, terms.budget);
        uint32 id =
            withPermit ? _openPermitted(who, offer, signature, terms) : _openFunded(who, offer, signature, terms);
        _book(id, offer, who, seller, terms.streams);
        return _jobs.length - 1;
    }

    function _openFunded(
        uint256 who,
        Offer memory offer,
        bytes memory signature,
        DealTerms memory terms
    ) internal returns (uint32) {
        _fund(who, terms.budget);
        vm.prank(buyer(who));
        return tally.openDeal(offer, signature, terms);
    }

    function _openPermitted(
        uint256 who,
        Offer memory offer,
        bytes memory signature,
        DealTerms memory terms
    ) internal returns (uint32) {
        dollar.mint(buyer(who), terms.budget);
        Permit memory permit = _permit(dollar, _buyerKey(who), address(tally), terms.budget);
        vm.prank(buyer(who));
        return tally.openDealWithPermit(offer, signature, terms, terms.budget, permit);
    }

    /// @dev An open job; opens one where there is none.
    function _openJob(uint256 seed) internal returns (uint256) {
        uint256 found = _find(seed, IDeals.DealState.Open);
        return found == 0 ? _open(seed, false) : found - 1;
    }

    function _close(uint256 job) internal {
        Job storage self = _jobs[job];
        uint256 from = uint256(tally.deal(self.id).end) + tally.parameters().closingPeriod;
        if (tally.clock() < from) _pass(from - tally.clock());
        uint256 before = tally.earnings(_sellers[self.provider].id).unmatured;
        tally.close(self.id);
        self.closed = true;
        uint256 fee = tally.earnings(_sellers[self.provider].id).unmatured - before;
        _bookCredit(self.provider, fee, _forcedDay(tally.clock()));
    }

    /// @dev A batch over up to three deals, an open one among them; a forced one over deals of one provider.
    function _settle(uint256 seed, Lane lane) internal returns (bool moved) {
        uint256 job = _openJob(seed);
        _pass(_within(seed >> 16, 30, 600));
        if (tally.deal(_jobs[job].id).state != IDeals.DealState.Open) job = _open(seed, false);
        _pass(30);
        return _carryOut(_plan(_companions(job, seed >> 24, lane), seed >> 32, lane), seed >> 40) != 0;
    }

    /// @dev The job and up to two others by rising id, whatever state they are in.
    function _companions(uint256 job, uint256 seed, Lane lane) internal view returns (uint256[] memory chosen) {
        chosen = new uint256[](1 + (seed % 3));
        chosen[0] = job;
        uint256 count = 1;
        for (uint256 i = 0; i < _jobs.length && count < chosen.length; ++i) {
            uint256 other = (i + (seed >> 8)) % _jobs.length;
            bool fits = lane != Lane.Forced || _jobs[other].provider == _jobs[job].provider;
            if (other == job || _jobs[other].recycled || !fits) continue;
            chosen[count++] = other;
        }
        assembly ("memory-safe") {
            mstore(chosen, count)
        }
        for (uint256 i = 1; i < count; ++i) {
            for (uint256 j = i; j > 0 && _jobs[chosen[j - 1]].id > _jobs[chosen[j]].id; --j) {
                (chosen[j - 1], chosen[j]) = (chosen[j], chosen[j - 1]);
            }
        }
    }

    /// @dev Some open deals that one page may take.
    function _packable(uint256 seed) internal view returns (uint32[] memory ids) {
        ids = new uint32[](_jobs.length);
        uint256 count = 0;
        for (uint256 i = 0; i < _jobs.length; ++i) {
            bool open = !_jobs[i].recycled && tally.deal(_jobs[i].id).state == IDeals.DealState.Open;
            if (open && ((seed >> (i % 200)) & 3) != 0) ids[count++] = _jobs[i].id;
        }
        uint256 before = 0;
        while (before != count) {
            (before, count) = (count, 0);
            for (uint256 i = 0; i < before; ++i) {
                uint256 place = tally.deal(ids[i]).place;
                if (place == 0 || 2 * _company(place / 256) <= before) ids[count++] = ids[i];
            }
        }
        assembly ("memory-safe") {
            mstore(ids, count)
        }
    }

    /// @dev How many deals stand in a page.
    function _company(uint256 page) internal view returns (uint256 count) {
        for (uint256 i = 0; i < _jobs.length; ++i) {
            if (!_jobs[i].recycled && tally.deal(_jobs[i].id).place / 256 == page) ++count;
        }
    }
}
