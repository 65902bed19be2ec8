// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICommittee} from "../../../contracts/interfaces/ICommittee.sol";
import {IDeals} from "../../../contracts/interfaces/IDeals.sol";
import {ILedger} from "../../../contracts/interfaces/ILedger.sol";
import {IRegistry} from "../../../contracts/interfaces/IRegistry.sol";
import {DealTerms, Lane, Offer, Permit} from "../../../contracts/interfaces/ITypes.sol";
import {Market} from "./Market.sol";

/// @notice Random but valid calls: whoever acts is entitled to and has what it takes. Every function of the deployment
/// that changes state is called by one of these.
abstract contract Handler is Market {
    /// @notice Calls that came in, and those that found nothing to do.
    uint256 public calls;
    uint256 public idle;
    /// @notice How often each kind of call did what it is for.
    mapping(string name => uint256 times) public done;
    uint256 private _valuedAt;

    modifier counted(string memory name) {
        ++calls;
        uint256 before = idle;
        _;
        if (idle == before) ++done[name];
    }

    uint256 private constant TWO_SEEDS = 8;

    constructor() {
        for (uint256 i = 0; i < BUYERS; ++i) _fund(i, 100 * USD);
        for (uint256 i = 0; i < 2; ++i) _join(i);
    }

    /// @notice Selector of the call named `name`.
    function selectorOf(string calldata name) external pure returns (bytes4) {
        bytes32 hash = keccak256(bytes(name));
        string memory tail = "(uint256)";
        if (hash == keccak256("join") || hash == keccak256("claimFees")) tail = "()";
        for (uint256 i = 0; i < TWO_SEEDS; ++i) if (hash == keccak256(bytes(_twoSeeds(i)))) tail = "(uint256,uint256)";
        return bytes4(keccak256(abi.encodePacked(name, tail)));
    }

    // ---- escrow ----

    function deposit(uint256 who, uint256 amount) external counted("deposit") {
        uint256 from = who % BUYERS;
        amount = _within(amount, 1, 300 * USD);
        dollar.mint(buyer(from), amount);
        vm.prank(buyer(from));
        dollar.approve(address(tally), amount);
        vm.prank(buyer(from));
        tally.deposit(buyer((who >> 8) % BUYERS), uint64(amount));
    }

    function depositWithPermit(uint256 who, uint256 amount) external counted("depositWithPermit") {
        uint256 from = who % BUYERS;
        amount = _within(amount, 1, 300 * USD);
        dollar.mint(buyer(from), amount);
        Permit memory permit = _permit(dollar, _buyerKey(from), address(tally), amount);
        vm.prank(buyer(from));
        tally.depositWithPermit(buyer(from), uint64(amount), permit);
    }

    function depositWithAuthorization(uint256 who, uint256 amount) external counted("depositWithAuthorization") {
        uint256 from = who % BUYERS;
        amount = _within(amount, 1, 300 * USD);
        dollar.mint(buyer(from), amount);
        bytes32 salt = keccak256(abi.encode(calls, who));
        Permit memory signed = _authorization(_buyerKey(from), buyer(from), amount, salt);
        vm.prank(RELAYER);
        tally.depositWithAuthorization(buyer(from), buyer(from), uint64(amount), 0, type(uint256).max, salt, signed);
    }

    function depositWithPermit2(uint256 who, uint256 amount) external counted("depositWithPermit2") {
        address from = buyer(who % BUYERS);
        amount = _within(amount, 1, 300 * USD);
        tally.depositWithPermit2(from, from, uint64(amount), calls, type(uint256).max, "");
    }

    function withdraw(uint256 who, uint256 amount) external counted("withdraw") {
        (uint64 free, , ) = tally.account(buyer(who % BUYERS));
        if (free == 0) _fund(who % BUYERS, 10 * USD);
        (free, , ) = tally.account(buyer(who % BUYERS));
        vm.prank(buyer(who % BUYERS));
        tally.withdraw(address(0xdead), uint64(_within(amount, 1, free)));
    }

    function donate(uint256 amount) external counted("donate") {
        dollar.mint(address(tally), amount % USD);
    }

    // ---- deals ----

    function openDeal(uint256 seed) external counted("openDeal") {
        _open(seed, false);
    }

    function openDealWithPermit(uint256 seed) external counted("openDealWithPermit") {
        _open(seed, true);
    }

    function topUp(uint256 seed, uint256 amount) external counted("topUp") {
        Job memory self = _jobs[_openJob(seed)];
        if (self.offer.nonce < tally.offerNonce(self.offer.provider)) self = _jobs[_open(seed, false)];
        uint256 room = self.offer.maxBudget - tally.deal(self.id).budget;
        uint256 left = self.offer.total - tally.offerTaken(tally.offerHash(self.offer));
        if (left < room) room = left;
        bool cancelled = self.offer.nonce < tally.offerNonce(self.offer.provider);
        if (room == 0 || cancelled) return _nothing();
        amount = _within(amount, 1, room);
        _fund(self.buyer, amount);
        _coverBond(self.provider, amount);
        vm.prank(buyer(self.buyer));
        tally.topUp(self.id, self.offer, self.nonce, uint64(amount));
    }

    function stop(uint256 seed) external counted("stop") {
        Job memory self = _jobs[_openJob(seed)];
        vm.prank(buyer(self.buyer));
        tally.stop(self.id);
    }

    function close(uint256 seed) external counted("close") {
        uint256 found = _find(seed, IDeals.DealState.Closing);
        if (found == 0) {
            found = _openJob(seed) + 1;
            vm.prank(buyer(_jobs[found - 1].buyer));
            tally.stop(_jobs[found - 1].id);
        }
        _close(found - 1);
    }

    function recycle(uint256 seed) external counted("recycle") {
        uint256 found = _find(seed, IDeals.DealState.Closed);
        if (found == 0) {
            found = _openJob(seed) + 1;
            vm.prank(buyer(_jobs[found - 1].buyer));
            tally.stop(_jobs[found - 1].id);
            _close(found - 1);
        }
        Job storage self = _jobs[found - 1];
        uint256 from = uint256(tally.deal(self.id).closedAt) + tally.parameters().retention;
        if (tally.clock() < from) _pass(from - tally.clock());
        tally.recycle(self.id);
        self.recycled = true;
    }

    function changeKeys(uint256 seed) external counted("changeKeys") {
        uint256 job = _openJob(seed);
        Job memory self = _jobs[job];
        address ackKey = vm.addr(_ackKey(job)); // the same key: the books go on signing with it
        vm.prank(buyer(self.buyer));
        tally.announceDealKeys(self.id, seed % 2 == 0 ? address(0) : ackKey, ackKey);
        _pass(1 days);
        tally.applyDealKeys(self.id);
    }

    function acknowledge(uint256 seed) external counted("acknowledge") {
        uint256 job = _openJob(seed);
        uint8 stream = uint8((seed >> 16) % _jobs[job].streams);
        (, , uint48 known) = tally.stream(_jobs[job].id, stream);
        uint48 units = known + uint48(_within(seed >> 64, 1, 5000));
        bytes memory signature = _acknowledgement(job, stream, 1, units, "");
        tally.acknowledge(_jobs[job].id, stream, 1, units, keccak256(""), signature);
    }

    function cancelOffers(uint256 seed) external counted("cancelOffers") {
        address owner = vm.addr(_sellers[seed % _sellers.length].owner);
        uint64 next = tally.offerNonce(owner) + 1;
        vm.prank(owner);
        tally.cancelOffers(next);
    }

    // ---- settling ----

    function settleAcknowledged(uint256 seed) external counted("settleAcknowledged") {
        _settle(seed, Lane.Acknowledged);
    }

    function settleAttested(uint256 seed) external counted("settleAttested") {
        _settle(seed, Lane.Attested);
    }

    function settleForced(uint256 seed) external counted("settleForced") {
        _settle(seed, Lane.Forced);
    }

    /// @dev Settles with as little cover as the provider can be left with, in the lanes that need it.
    function settleUncovered(uint256 seed) external counted("settleUncovered") {
        uint256 job = _openJob(seed);
        Seller memory self = _sellers[_jobs[job].provider];
        for (uint256 i = 0; i < 2; ++i) {
            IRegistry.ProviderView memory view_ = registry.providerOf(self.id);
            if (view_.stake > view_.liens) {
                vm.prank(view_.owner);
                registry.thaw(self.id, view_.stake - view_.liens);
            }
            uint256 before = idle;
            _settle(seed >> i, i == 0 ? Lane.Attested : Lane.Forced);
            idle = before; // refused is as good as settled here
        }
        _stake(_jobs[job].provider, 150 * STAKE);
    }

    // ---- earnings ----

    function claim(uint256 seed) external counted("claim") {
        uint256 seller = seed % _sellers.length;
        if (tally.earnings(_sellers[seller].id).claimable == 0) _settle(seed, Lane.Acknowledged);
        if (tally.earnings(_sellers[seller].id).claimable == 0) return;
        paidOut += tally.claim(_sellers[seller].id);
    }

    function claimFees() external counted("claimFees") {
        (uint64 protocolFee, uint64 committeeFee) = tally.fees();
        tally.claimFees();
        paidOut += uint256(protocolFee) + committeeFee;
    }

    function refreshCover(uint256 seed) external counted("refreshCover") {
        tally.refreshCover(_sellers[seed % _sellers.length].id);
    }

    // ---- registry ----

    function join() external counted("join") {
        if (_sellers.length < MAX_SELLERS) _join(_sellers.length);
    }

    function stake(uint256 seed, uint256 amount) external counted("stake") {
        _stake(seed % _sellers.length, _within(amount, 1, 100 * STAKE));
    }

    function thaw(uint256 seed, uint256 amount) external counted("thaw") {
        uint256 seller = seed % _sellers.length;
        IRegistry.ProviderView memory view_ = registry.providerOf(_sellers[seller].id);
        uint256 free = view_.stake - view_.liens;
        if (free < 10 * STAKE) _stake(seller, free = 100 * STAKE);
        vm.prank(view_.owner);
        registry.thaw(_sellers[seller].id, uint96(_within(amount, 1, free / 4)));
    }

    function withdrawStake(uint256 seed) external counted("withdrawStake") {
        Seller memory self = _sellers[seed % _sellers.length];
        IRegistry.ProviderView memory view_ = registry.providerOf(self.id);
        if (view_.thawedAt == 0) {
            _stake(seed % _sellers.length, STAKE);
            vm.prank(view_.owner);
            registry.thaw(self.id, uint96(STAKE / 2));
            view_ = registry.providerOf(self.id);
        }
        if (tally.clock() < view_.thawedAt) _pass(view_.thawedAt - tally.clock());
        vm.prank(view_.owner);
        registry.withdrawStake(self.id, view_.owner);
    }

    function registerWorkers(uint256 seed) external counted("registerWorkers") {
        _rehire(seed % _sellers.length);
    }

    function revokeWorker(uint256 seed) external counted("revokeWorker") {
        uint256 seller = seed % _sellers.length;
        Hand memory hand = _hand(seller, seed >> 8);
        _rehire(seller);
        uint32 from = tally.clock() + 1 days;
        vm.prank(vm.addr(_sellers[seller].owner));
        registry.revokeWorker(_sellers[seller].id, hand.index, from);
        for (uint256 i = 0; i < _hands.length; ++i) if (_hands[i].index == hand.index) _hands[i].revoked = true;
    }

    function setOperator(uint256 seed) external counted("setOperator") {
        Seller memory self = _sellers[seed % _sellers.length];
        vm.prank(vm.addr(self.owner));
        registry.setOperator(self.id, address(uint160(seed)));
    }

    function changePayout(uint256 seed) external counted("changePayout") {
        Seller memory self = _sellers[seed % _sellers.length];
        address next = vm.addr(_key("payout", seed % 7));
        vm.prank(vm.addr(self.owner));
        registry.proposePayout(self.id, next);
        vm.prank(next);
        registry.acceptPayout(self.id);
        _pass(7 days);
        registry.applyPayout(self.id);
    }

    // ---- governance and time ----

    function setParameters(uint256 seed) external counted("setParameters") {
        ILedger.Parameters memory next = _parameters();
        next.protocolFeeBps = uint16(seed % 501);
        next.committeeFeeBps = uint16((seed >> 16) % 501);
        next.stakeValue = tally.parameters().stakeValue;
        if (tally.clock() >= _valuedAt + DAY) {
            next.stakeValue = uint32(_within(seed >> 32, 900_000, 1_100_000));
            _valuedAt = tally.clock();
        }
        next.coverageBps = uint16(_within(seed >> 64, 8000, 10_000));
        next.bondBps = uint16((seed >> 80) % 2000);
        _pass(1 days); // the stake's value moves once a day at most
        tally.setParameters(next);
    }

    function setTreasuries(uint256 seed) external counted("setTreasuries") {
        tally.setTreasuries(address(uint160(seed) | 1), COMMITTEE_TREASURY);
    }

    function pauseAndWait(uint256 seed) external counted("pauseAndWait") {
        uint32 duration = uint32(_within(seed, 1, 5 hours));
        uint256 rested = uint256(tally.pausedUntil()) + 14 days;
        if (tally.clock() < rested) _pass(rested - tally.clock());
        if (tally.pausedUntil() != 0 && tally.clock() < tally.pausedUntil() + 14 days) duration = 0; // it must rest
        tally.pause(duration);
        registry.pause(duration);
        _pass(duration);
    }

    function setMembers(uint256 seed) external counted("setMembers") {
        ++_epochSeed;
        ICommittee.Member[] memory members = _members();
        committee.setMembers(members, uint8(2));
        vm.prank(members[seed % MEMBERS].signer);
        committee.setEndpoint("http://127.0.0.1");
    }

    function pass(uint256 span) external counted("pass") {
        _pass(_within(span, 1, 30 hours));
    }

    // ---- leaving ----

    /// @notice Everybody leaves by what anyone may call; nothing may stay behind.
    function leaveAll() external {
        for (uint256 i = 0; i < _jobs.length; ++i) if (!_jobs[i].closed) _leaveDeal(i);
        _pass(8 days);
        for (uint256 i = 0; i < _sellers.length; ++i) _leaveSeller(_sellers[i]);
        tally.claimFees();
        for (uint256 i = 0; i < BUYERS; ++i) {
            (uint64 free, , ) = tally.account(buyer(i));
            if (free == 0) continue;
            vm.prank(buyer(i));
            tally.withdraw(buyer(i), free);
        }
    }

    function _leaveDeal(uint256 job) private {
        if (tally.deal(_jobs[job].id).state == IDeals.DealState.Open) {
            vm.prank(buyer(_jobs[job].buyer));
            tally.stop(_jobs[job].id);
        }
        _close(job);
    }

    function _leaveSeller(Seller memory self) private {
        if (tally.earnings(self.id).claimable != 0) tally.claim(self.id);
        IRegistry.ProviderView memory view_ = registry.providerOf(self.id);
        vm.prank(view_.owner);
        if (view_.stake != 0) registry.thaw(self.id, view_.stake);
        _pass(7 days);
        vm.prank(view_.owner);
        registry.withdrawStake(self.id, view_.owner);
    }

    // ---- steps ----

    function _nothing() private {
        ++idle;
    }

    function _fund(uint256 who, uint256 amount) private {
        address account = buyer(who);
        dollar.mint(account, amount);
        vm.prank(account);
        dollar.approve(address(tally), amount);
        vm.prank(account);
        tally.deposit(account, uint64(amount));
    }

    function _join(uint256 index) private {
        uint256 owner = _key("owner", index);
        stakeToken.mint(vm.addr(owner), 150 * STAKE);
        Permit memory permit = _permit(stakeToken, owner, address(registry), 150 * STAKE);
        vm.prank(vm.addr(owner));
        uint32 id = registry.join(uint96(150 * STAKE), permit, vm.addr(_key("payout", index)), address(0), "");
        _sellers.push(Seller(id, owner, 0, 0));
        _rehire(index);
    }

    /// @dev Two fresh workers on a new page; the seller's others work no more.
    function _rehire(uint256 seller) private {
        Seller storage self = _sellers[seller];
        uint256 place = _hands.length;
        (uint256 a, uint256 b) = (_key("worker", place), _key("worker", place + 1));
        vm.prank(vm.addr(self.owner));
        uint40 first = registry.registerWorkers(self.id, abi.encodePacked(vm.addr(a), vm.addr(b)));
        _hands.push(Hand(a, first, false));
        _hands.push(Hand(b, first + 1, false));
        (self.firstWorker, self.workers) = (place, 2);
    }

    function _stake(uint256 seller, uint256 amount) private {
        address owner = vm.addr(_sellers[seller].owner);
        stakeToken.mint(owner, amount);
        vm.prank(owner);
        stakeToken.approve(address(registry), amount);
        vm.prank(owner);
        registry.stake(_sellers[seller].id, uint96(amount));
    }

    /// @dev Stake for the bond of `amount` more budget, were the seller short of it.
    function _coverBond(uint256 seller, uint256 amount) private {
        IRegistry.ProviderView memory view_ = registry.providerOf(_sellers[seller].id);
        uint256 bond = amount * 25e10; // a quarter: more than the parameters ever ask
        if (view_.stake - view_.liens < bond) _stake(seller, bond);
    }

    function _open(uint256 seed, bool withPermit) private returns (uint256 job) {
        (uint256 who, uint256 seller) = (seed % BUYERS, (seed >> 8) % _sellers.length);
        Offer memory offer = _offer(seller, seed >> 16);
        uint64 budget = uint64(_within(seed >> 100, 2 * USD, 150 * USD));
        DealTerms memory terms = _terms(seed >> 140, budget);
        offer.openingFee = uint64((seed >> 120) % ((uint256(budget) * tally.parameters().bondBps) / 10_000 + 1));
        bytes memory signature = _signOffer(_sellers[seller].owner, offer);
        _coverBond(seller, budget);
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
    ) private returns (uint32) {
        _fund(who, terms.budget);
        vm.prank(buyer(who));
        return tally.openDeal(offer, signature, terms);
    }

    function _openPermitted(
        uint256 who,
        Offer memory offer,
        bytes memory signature,
        DealTerms memory terms
    ) private returns (uint32) {
        dollar.mint(buyer(who), terms.budget);
        Permit memory permit = _permit(dollar, _buyerKey(who), address(tally), terms.budget);
        vm.prank(buyer(who));
        return tally.openDealWithPermit(offer, signature, terms, terms.budget, permit);
    }

    /// @dev An open job; opens one where there is none.
    function _openJob(uint256 seed) private returns (uint256) {
        uint256 found = _find(seed, IDeals.DealState.Open);
        return found == 0 ? _open(seed, false) : found - 1;
    }

    function _close(uint256 job) private {
        Job storage self = _jobs[job];
        uint256 from = uint256(tally.deal(self.id).end) + tally.parameters().closingPeriod;
        if (tally.clock() < from) _pass(from - tally.clock());
        uint256 before = tally.earnings(_sellers[self.provider].id).unmatured;
        tally.close(self.id);
        self.closed = true;
        uint256 fee = tally.earnings(_sellers[self.provider].id).unmatured - before;
        _bookCredit(self.provider, fee, 3 days);
    }

    /// @dev A batch over up to three streams of one job: new work, now and then sent again or with a gap.
    function _settle(uint256 seed, Lane lane) private {
        uint256 job = _openJob(seed);
        _pass(_within(seed >> 16, 30, 600));
        if (tally.deal(_jobs[job].id).state != IDeals.DealState.Open) job = _open(seed, false);
        _pass(30);
        Plan memory plan = _plan(job, seed >> 32, lane);
        uint256 before = tally.deal(_jobs[job].id).remaining;
        bytes memory outcomes = _send(job, plan, lane, seed >> 40);

        uint256 moved = 0;
        for (uint256 i = 0; i < outcomes.length; ++i) if (_moved(outcomes[i])) moved += plan.suffix[i];
        // What was worked for nothing is forgotten, so that the next tally follows the chain again.
        for (uint256 i = 0; i < outcomes.length; ++i) if (!_moved(outcomes[i])) _forget(job, plan.streams[i]);
        if (moved == 0) return _nothing();
        _bookMoves(job, lane, before, moved);
    }

    struct Plan {
        uint256 count;
        uint256[3] streams;
        uint256[3] suffix;
        bytes batch;
    }

    function _plan(uint256 job, uint256 seed, Lane lane) private returns (Plan memory plan) {
        plan.batch = abi.encodePacked(uint8(0), uint8(lane));
        uint256 next = 0;
        uint256 wanted = 1 + (seed % 3);
        Hand memory hand = _hand(_jobs[job].provider, seed >> 8);
        for (uint256 stream = (seed >> 16) % _jobs[job].streams; stream < _jobs[job].streams; ++stream) {
            if (plan.count == wanted) break;
            seed = uint256(keccak256(abi.encode(seed)));
            (uint32 cursor, uint48 units, ) = tally.stream(_jobs[job].id, uint8(stream));
            uint256 suffix = _labour(job, stream, units, seed);
            uint256 length = _work[job][stream].length;
            uint256 first = seed % 4 == 0 ? (seed >> 8) % (cursor + 1) : cursor;
            if (plan.count != 0 && seed % 16 == 1 && length > cursor + 1) first = cursor + 1; // a gap
            uint256 number = uint256(_jobs[job].id) * 64 + stream;
            bytes memory group = _group(job, stream, first, length, lane, number - next, hand);
            next = number + 1;
            plan.batch = abi.encodePacked(plan.batch, group);
            (plan.streams[plan.count], plan.suffix[plan.count]) = (stream, suffix);
            ++plan.count;
        }
    }

    /// @dev Up to three more receipts within the rate; at least one of one unit.
    function _labour(uint256 job, uint256 stream, uint256 units, uint256 seed) private returns (uint256 suffix) {
        IDeals.DealView memory view_ = tally.deal(_jobs[job].id);
        uint256 limit = (uint256(view_.rateCap) * (tally.clock() - view_.openedAt)) / 3600;
        uint256 room = limit > units ? limit - units : 0;
        for (uint256 i = 0; i < 1 + ((seed >> 128) % 3); ++i) {
            uint256 part = _within(seed >> (136 + 16 * i), 1, room / 3 + 1);
            _work[job][stream].push(part);
            suffix += part;
        }
    }

    function _forget(uint256 job, uint256 stream) private {
        (uint32 cursor, , ) = tally.stream(_jobs[job].id, uint8(stream));
        while (_work[job][stream].length > cursor) _work[job][stream].pop();
    }

    function _send(uint256 job, Plan memory plan, Lane lane, uint256 seed) private returns (bytes memory) {
        address sender = RELAYER;
        bytes memory authority = "";
        if (lane == Lane.Attested) {
            authority = _attest(_root(plan.batch), seed % MEMBERS);
        } else if (lane == Lane.Forced) {
            if (seed % 2 == 0) sender = vm.addr(_sellers[_jobs[job].provider].owner);
            else authority = _force(job, _root(plan.batch), sender);
        }
        vm.prank(sender, sender);
        return tally.settle(plan.batch, authority);
    }

    function _force(uint256 job, bytes32 root, address sender) private view returns (bytes memory) {
        bytes32 hash = keccak256(abi.encode(keccak256("Force(bytes32 root,address sender)"), root, sender));
        return _signCompact(_sellers[_jobs[job].provider].owner, _digest(hash));
    }

    function _twoSeeds(uint256 index) private pure returns (string memory) {
        string[TWO_SEEDS] memory names = [
            "deposit",
            "depositWithPermit",
            "depositWithAuthorization",
            "depositWithPermit2",
            "withdraw",
            "topUp",
            "stake",
            "thaw"
        ];
        return names[index];
    }
}
